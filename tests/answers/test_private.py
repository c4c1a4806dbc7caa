"""Questions in ten languages about a person's records, about this moment, and orders; and those that only look so.

The sentences are the project's own. Each is asked by one user and then by another, who must not get the answer.
"""

from pathlib import Path

import pytest

from agentmem.answers.exclusions import excluded
from agentmem.answers.values import Answer, AnswerScope
from agentmem.errors import ConfigError
from agentmem.recall.embedder import MiniLM
from tests.answers.caches import Calls, opened

PRIVATE = """
What is my account balance?
When is my next dentist appointment?
How many sick days have I used this year?
Did I pay the electricity bill?
What did my accountant say about the refund?
How much do I still owe on my loan?
Where is my suitcase?
Who is my account manager?
Is my package on its way?
When does my shift start?
Show me my last three invoices
Am I registered for the exam?
What's my seat number?
How much data do I have left?
How many steps did I walk yesterday?
What is on my calendar tomorrow?
Is it raining in Hamburg?
What's the exchange rate of the euro right now?
How much is one ethereum?
When is the next train to Bern?
Is the pharmacy open now?
Who is winning the match?
Are there any tickets left for Saturday?
What is the temperature outside?
How long is the queue at the museum?
Is the website down?
What's the price of gold today?
Is my flight delayed?
Lock the front door
Send 20 euros to Paul
Please book a table for four
Set an alarm for six
Cancel my gym membership
Delete all my messages
Could you call a taxi for me?
Play some jazz
Deploy the release to production
Put eggs on the shopping list
Wie hoch ist mein Guthaben?
Wann ist mein nächster Arzttermin?
Wo ist mein Paket?
Wie viele Urlaubstage habe ich noch?
Wie spät ist es in Lissabon?
Wie wird das Wetter morgen?
Ist der Zug pünktlich?
Wann fährt der nächste Bus?
Überweise 50 Euro an Anna
Bitte storniere meine Bestellung
Schalte das Licht im Flur aus
Stell einen Wecker auf sieben Uhr
Quel est le solde de mon compte ?
Où est mon colis ?
Combien de jours de congé me reste-t-il ?
Quel temps fait-il à Lyon ?
Quelle heure est-il à Montréal ?
Le magasin est-il ouvert maintenant ?
Bloquez ma carte
Réserve une table pour deux
Annule mon rendez-vous
Allume la lumière du salon
¿Cuál es mi saldo?
¿Dónde está mi pedido?
¿Cuándo cobro?
¿Qué hora es en Lima?
¿Está abierta la tienda ahora?
¿Cuánto vale el bitcoin?
Bloquea mi tarjeta
Reserva una mesa para tres
Apaga las luces
Envía 30 euros a Marta
Qual è il mio saldo?
Dov'è il mio pacco?
Quanti giorni di ferie mi restano?
Che ore sono a Tokyo?
Che tempo fa a Napoli?
Il museo è aperto adesso?
Blocca la mia carta
Prenota un tavolo per due
Spegni la luce
Invia 40 euro a Luca
Qual é o meu saldo?
Onde está a minha encomenda?
Quantos dias de férias ainda tenho?
Que horas são em Lisboa?
Vai chover amanhã?
A loja está aberta agora?
Bloqueia o meu cartão
Reserva uma mesa para dois
Desliga a luz da sala
Envia 25 euros para a Ana
Какой у меня баланс?
Где мой заказ?
Сколько дней отпуска у меня осталось?
Который час в Токио?
Какая погода в Москве?
Магазин сейчас открыт?
Заблокируй мою карту
Забронируй столик на двоих
Выключи свет
Переведи 500 рублей Ивану
我的余额是多少？
我的快递在哪里？
我还剩几天年假？
现在几点？
明天会下雨吗？
比特币多少钱？
冻结我的账户
订一张去上海的票
关掉客厅的灯
给小王转一百块
私の残高はいくらですか？
私の荷物はどこですか？
有給はあと何日残っていますか？
東京は今何時ですか？
明日の天気は？
次の電車は何時ですか？
カードを止めてください
電気を消して
二名で予約してください
山田さんに千円送って
내 잔액이 얼마야?
제 택배가 어디 있나요?
연차가 며칠 남았어?
지금 몇 시야?
내일 날씨 어때?
비트코인 얼마야?
카드를 정지해 줘
불 꺼 줘
두 명 예약해 줘
민수에게 만 원 보내 줘
When is payday?
What's left in my savings account?
What grade did I get in chemistry?
Which gate does my plane leave from?
Did anyone call me?
Do I have any unread mail?
What's my blood type?
Has my refund arrived?
What was my last order?
Where did I park?
How did I sleep last night?
Is it going to rain?
How's the traffic on the A4?
What's Tesla trading at?
Who won last night?
Is there parking free at the station?
Is Anna online?
How deep is the snow in Davos right now?
What's new on Netflix this week?
Close all the blinds
Text Maria that I'm late
Pay the rent
Mute my microphone
Order two pizzas
Remind me to water the plants
Increase the volume
Reply to Tom
Rename this file to report.txt
Create a ticket for this bug
Navigate to the airport
Take me home
Log me out
Roll back the last release
Empty the trash
Wann kommt meine Lieferung an?
Habe ich heute schon Tabletten genommen?
Was steht heute in meinem Kalender?
Ist das Schwimmbad gerade voll?
Mach die Heizung wärmer
Ruf Mama an
Bestell mir ein Taxi
Quand est-ce que je suis payé ?
Ai-je des messages non lus ?
Y a-t-il des embouteillages ?
Le métro est-il en retard ?
Éteins la télé
Appelle le médecin
¿Cuántos puntos tengo?
¿Tengo correos nuevos?
¿Va a llover mañana?
¿A cuánto está el dólar?
Pon música
Llama a mi madre
Quando arriva il mio stipendio?
Ho messaggi nuovi?
Accendi il riscaldamento
Chiama un taxi
Quando recebo o meu salário?
Tenho mensagens novas?
Toca a próxima música
Chama um táxi
Когда придёт моя зарплата?
Есть ли пробки на МКАД?
Включи музыку
Позвони маме
我今天有会议吗？
我什么时候发工资？
播放音乐
帮我叫车
今日の予定は？
音楽をかけて
タクシーを呼んで
오늘 일정이 뭐야?
음악 틀어 줘
택시 불러 줘
""".strip().splitlines()
PUBLIC = """
How do I check my account balance?
Which plug do I need when I live in Australia?
What are the traffic laws for cyclists?
How can I improve my credit score?
What is live music?
How long does delivery take?
Can I cancel my order after it has shipped?
Why was my payment declined?
What happens if I lose my card?
Which documents do I need to open an account?
What is a current account?
Where can I buy stamps?
How many vacation days does an employee get by law?
What is the latest version control system called?
What is the time complexity of quicksort?
What is a news feed?
Do you ship to Norway?
What does balance mean in yoga?
Wie kann ich meine Karte sperren?
Wie kündige ich mein Abo?
Was kostet der Versand?
Comment puis-je annuler ma commande ?
Quels sont les frais de livraison ?
¿Cómo puedo cambiar mi contraseña?
¿Qué métodos de pago aceptan?
Come posso bloccare la mia carta?
Como posso cancelar o meu pedido?
Как мне заблокировать карту?
如何取消订单？
怎么修改我的密码？
パスワードを変更する方法は？
카드를 정지하는 방법
회원 가입 방법
会員を登録する方法は？
Can you explain what a mortgage is?
Write a haiku about autumn
What is the order of operations?
Is it legal to record a call?
How do I live with a roommate who is noisy?
How can I transfer money abroad?
Can you explain how a bank transfer works?
Where is the station?
Who wrote Hamlet?
""".strip().splitlines()
ANNA, BEN = AnswerScope("shop", user="anna"), AnswerScope("shop", user="ben")


def test_there_are_two_hundred_sentences_in_ten_languages() -> None:
    """The table is as large as it says, and no sentence is there twice."""
    assert len(set(PRIVATE)) == len(PRIVATE) >= 200


@pytest.mark.parametrize("question", PRIVATE)
def test_a_question_about_a_person_or_a_moment_is_never_served_to_another(question: str) -> None:
    """A rule finds each sentence, whatever its language, and says which of the three it is."""
    rule = excluded(question, "question")
    assert rule is not None, question
    assert rule.name in ("personal", "time-bound", "transactional")


@pytest.mark.parametrize("question", PUBLIC)
def test_what_has_one_answer_for_everybody_stays_in(question: str) -> None:
    """How-to questions and words that only look like time or records are kept."""
    assert excluded(question, "question") is None


def test_no_user_gets_what_another_was_told(tmp_path: Path) -> None:
    """Every sentence is asked by Anna and then by Ben, through one cache: Ben always gets a fresh answer."""
    answering = Calls()
    with opened(tmp_path, embedder=MiniLM(), decide=None) as cache:
        for question in PRIVATE:
            cache.ask(question, answering, context=ANNA)
            assert cache.ask(question, answering, context=BEN).how == "fresh", question
            assert cache.ask(question, answering).how == "fresh", question


def test_a_users_own_question_is_kept_for_that_user(tmp_path: Path) -> None:
    """A question about records is kept in its user's scope, instead of dropped; without a user it is not kept."""
    answering = Calls("40 euros", "75 euros", "nobody's")
    with opened(tmp_path) as cache:
        assert cache.ask("What is my balance?", answering, context=ANNA).kept
        assert cache.ask("what is my balance", answering, context=ANNA).text == "40 euros"
        assert cache.ask("What is my balance?", answering, context=BEN).text == "75 euros"
        fresh = cache.ask("What is my balance?", answering, context=AnswerScope("shop"))
        assert fresh.kept is not None
        assert fresh.kept.reason.startswith("personal")


def test_an_answer_from_a_users_records_stays_with_the_user(tmp_path: Path) -> None:
    """How an answer was made decides, whatever the question's words: its user gets it again, and nobody else."""
    answering = Calls(Answer("Gold, until May.", reads=("user",)), Answer("Basic.", reads=("user",)), Answer("x"))
    with opened(tmp_path) as cache:
        assert cache.ask("Which plan applies?", answering, context=ANNA).kept
        assert cache.ask("which plan applies", answering, context=ANNA).how == "exact"
        assert cache.ask("Which plan applies?", answering, context=BEN).text == "Basic."
        assert cache.get("Which plan applies?", context=AnswerScope("shop")) is None


def test_an_answer_from_records_without_a_user_is_not_kept(tmp_path: Path) -> None:
    """Without a user nobody knows whose it is."""
    with opened(tmp_path) as cache:
        kept = cache.put("Which plan applies?", Answer("Gold.", reads=("user",)))
        assert not kept
        assert "names no user" in kept.reason


@pytest.mark.parametrize("reads", ["clock", "live"])
def test_an_answer_from_the_clock_or_live_data_is_not_kept(tmp_path: Path, reads: str) -> None:
    """What changes by the minute is kept for nobody."""
    with opened(tmp_path) as cache:
        kept = cache.put("Which plan applies?", Answer("Gold.", reads=(reads,)), context=ANNA)
        assert reads in kept.reason
        assert cache.get("Which plan applies?", context=ANNA) is None


def test_what_is_one_users_alone_can_be_invalidated(tmp_path: Path) -> None:
    """The user's own answers go, of this tenant; other users', other tenants' and everybody's stay."""
    anna, ben = AnswerScope(tenant="acme", user="anna"), AnswerScope(tenant="acme", user="ben")
    elsewhere = AnswerScope(tenant="other", user="anna")
    with opened(tmp_path) as cache:
        for scope in (anna, ben, elsewhere):
            assert cache.put("What is my balance?", f"{scope.tenant} {scope.user}", context=scope)
        assert cache.put("Where is the office?", "In Bern.", context=anna)
        with pytest.raises(ConfigError, match="say what to invalidate"):
            cache.invalidate(user="anna", everything=True)
        assert cache.invalidate(tenant="acme", user="anna") == 1
        assert cache.get("What is my balance?", context=anna) is None
        assert cache.get("Where is the office?", context=anna) is not None
        for scope in (ben, elsewhere):
            assert cache.get("What is my balance?", context=scope) is not None
        assert all("ben" not in str(row[0]) for row in cache.store.database.run("SELECT owner FROM owned"))
