"""The words of seven European languages that tell what a question asks for: see `agentmem.answers.language`."""

from agentmem.answers.language import Language

ENGLISH = Language(
    "en",
    mine=r"my|our|mine|ours",
    records=(
        r"(?:account |card |bank |current )?balances?|salar(?:y|ies)|wages?|pay ?(?:check|slip)s?|payday|"
        r"paid|bonus|pension|address on file|account numbers?|iban|passwords?|user ?names?|birthday|"
        r"phone number|e-?mail address|invoices?|bills?|transactions?|spending|expenses|debts?|loans?|"
        r"mortgage|rent|taxes|orders?|packages?|parcels?|deliver(?:y|ies)|shipments?|luggage|suitcases?|"
        r"bags?|refund|savings|flights?|trains?|seats?|gate|bookings?|reservations?|appointments?|meetings?|"
        r"calendar|schedule|shifts?|to-?do list|shopping list|reminders?|alarms?|subscriptions?|membership|"
        r"tickets?|cases?|claims?|applications?|requests?|grades?|marks|exams?|results?|prescriptions?|"
        r"pills?|medication|doctor|dentist|blood|weight|steps|vacation|holidays?|leave|days off|pto|points|"
        r"miles|rewards?|usage|data left|minutes left|messages?|inbox|mails?|e-?mails?|contacts?|status|"
        r"name|location|credit (?:score|limit|rating)|limit|car|phone|keys|manager|boss|desk|room number"
    ),
    asked=(
        r"\b(?:on file|saved|stored|registered) (?:for|about|under) (?:me|us)\b|\bdo you (?:have|hold|keep|kno"
        r"w) (?:[\w-]+ ){0,4}(?:about|on|for) (?:me|us)\b|\bwhen (?:do|does|did|will|is|are) (?:my|our) (?:\w+"
        r" ){1,3}?(?:expire|run out|end|lapse|renew|due)\b|"
        r"^\W*who am i\W*$|\bremember me\b|\bwhat do you know about me\b|\bremind me\b|\bwhere am i\b|"
        r"\bhow much (?:do|did|will|have|are) (?:i|we) (?:owe|spend|spent|earn|get paid|have(?! to)|paid|"
        r"pay for)\b|\bhow (?:much|many) [^?.!]*\b(?:do|did|have|will) (?:i|we) (?:still )?(?:have(?! to)|"
        r"has|get|got|left|owe|spend|spent|use|used|take|taken|eat|eaten|walk|run|sleep|earn|burn|"
        r"drink)\b(?=[^?.!]*\b(?:left|so far|last|this|yet)\b|\W*$)|\bmoney (?:is|was|do i have|"
        r"have i) (?:left )?(?:in|on) my\b|\bwhen (?:do|did|will|am) i (?:get |be |getting )?paid\b|"
        r"^\W*(?:did|have) (?:i|we) (?:already |just |ever )?(?:take|taken|pay|paid|send|sent|lock|locked|"
        r"order|ordered|book|booked|miss|missed|sign|signed|win|won|pass|passed|get any|got any|finish|"
        r"finished|turn|turned|close|closed|reply|replied)\b|\bwhat (?:did|does|has|have) (?:my|"
        r"our) \w+ (?:\w+ )?(?:say|said|write|wrote|written|send|sent|want|tell|told|ask|asked|think|decide|"
        r"decided|recommend|recommended|prescribe|prescribed)\b|\b(?:what|which) (?:did|have) i (?:buy|"
        r"bought|order|ordered|say|said|ask|asked|write|spend|eat|watch|watched|agree)\b|^\W*(?:what|which|"
        r"where|how|when) (?:\w+ )?did (?:i|we) (?:get|park|put|sleep|leave|walk|run|score|spend|order|buy|"
        r"eat|go|meet|save|pay)\b(?!.*\bcharged?)|\bhow many \w+ did (?:i|we)\b|^\W*did (?:anyone|anybody|"
        r"someone|somebody|\w+) (?:call|text|write|message|reply|mail)\b|^\W*when is payday\b|^\W*(?:do|did|"
        r"have) i (?:have|get|got) (?:any|new|a (?:meeting|call|appointment))\b(?! (?:to|other|more|fees?|"
        r"way|right|option))|\bam i (?:late|due|on (?:call|duty|the list)|scheduled|registered for|enrolled|"
        r"subscribed|booked|overdrawn|approved)\b|\bwhen (?:is|are|was|were) (?:my|our) (?:next|last|first|"
        r"final)?\b(?!.{0,20}\bcard)|\bwho (?:is|are) my\b|\b(?:status|eta|whereabouts) of (?:my|our|"
        r"the)\b[^?.!]*\b(?:order|ticket|case|invoice|booking|policy|parcel|package)\b|^\W*(?:what(?:'s|’s|"
        r" is) the (?:status|eta|state|total) of|where(?:'s|’s| is)|when (?:is|will|does)|has|did|"
        r"was)\b[^?.!]*\b(?:order|ticket|case|invoice|booking|customer|policy|claim)\s*(?:no\.?|"
        r"number)?\s*#?\s*\d{3,}"
    ),
    how=(
        r"how (?:do|can|could|to|should|would|does|may|long|soon|many (?:\w+ )?(?:days|weeks|hours)|"
        r"did(?! i\b))|(?:can|could|may|should|must|shall|would) (?:i|we|one)|why|do (?:i|we) (?:have|"
        r"need) to|what (?:if|happens|should|do i do|to do|can)|ways? to|steps? to|possible|help|assist\w*|"
        r"want|wanna|need|trying|try|like to|have (?:got )?to|have (?:a )?\w*(?:problem|trouble|issue|"
        r"error)s?|know (?:how|what|where)|question"
    ),
    now=(
        r"right now|at the moment|at this moment|as of now|so far today|just now|now(?=\W*$)|today(?:'s|"
        r"’s)?|tonight(?:'s|’s)?|tomorrow(?:'s|’s)?|yesterday(?:'s|’s)?|(?:this|last|next) (?:morning|"
        r"afternoon|evening|night|week|weekend|month|quarter)|currently (?:open|closed|available|working|"
        r"down|online|in stock|on sale|raining|playing|at)|current (?:rate|price|temperature|weather|score|"
        r"time|date|exchange|wait|queue|status|location|balance|version)s?|latest (?:news|scores?|prices?|"
        r"rates?|results?|headlines?|figures?)|up[- ]to[- ]date|breaking news"
    ),
    live=(
        r"is there (?:a|an|any) (?:free|available|vacant|open) \w+|are (?:the |my )?(?:\w+ ){0,2}(?:flights|tr"
        r"ains|buses|ferries|trams) (?:delayed|on time|late|cancelled|canceled|running)|"
        r"how (?:is|are) (?:the )?(?:match|game|race|election|stock market|markets?) (?:going|doing)|"
        r"what(?:'s|’s| is)? (?:the )?(?:current |exact )?(?:time|date|day)(?: is it| of the week is it|"
        r" is today)?(?:\W*$| in \w+|\s*(?:\?|now|today))|what (?:time|day|date) is it\b|is it (?:still |"
        r"going to |about to )?(?:rain|snow|raining|snowing|sunny|windy|dark)|(?:what(?:'s|’s| is)|"
        r"how high is) the (?:temperature|humidity|wind speed|air quality|water level) (?:outside|inside|in|"
        r"at)|how (?:hot|cold|warm|windy|humid) is it\b|(?:what(?:'s|’s| is|s)?|how(?:'s|’s| is|s)?|tell me|"
        r"show me|give me|check) (?:the |is the )*(?:weather|forecast|traffic|score|headlines|"
        r"news)\b(?! (?:law|rule|sign|light|school))|^\W*(?:weather|forecast|traffic|news|"
        r"headlines)(?: report| forecast)?(?: in| for| on| near)?(?: \w+)?\W*$|will it (?:rain|snow|"
        r"be (?:hot|cold|sunny|windy))\b|(?:any|heavy|much|bad|a lot of) traffic (?:on|to|in|near|around)|"
        r"traffic (?:jam|report|conditions|like)|how much (?:is|are|does) (?:a |an |one |the )?(?:bitcoin|"
        r"btc|ethereum|ether|eth|dogecoin|crude|oil|gold|silver|gas|petrol|diesel)s?\b|(?:stock|share|"
        r"bitcoin|btc|ethereum|eth|gold|silver|oil|gas|petrol|diesel|crypto)s? prices? (?:of|for|in|now|"
        r"today|at)|price of (?:bitcoin|btc|ethereum|eth|gold|silver|oil|gas|petrol|diesel)\b|what(?:'s|’s|"
        r" is) (?:the )?(?:price|value) of (?:\w+ ){1,2}(?:stocks?|shares?)|(?:stock|share) price\W*$|"
        r"what(?:'s|’s| is) \w+ (?:trading|stock) (?:at|price)|exchange rate (?:between|from|for|"
        r"of) (?:the )?(?:us |u\.s\. )?(?:dollar|euro|pound|yen|usd|eur|gbp|jpy|franc|rupee|yuan|peso)s?|"
        r"(?:usd|eur|gbp|dollars?|euros?|pounds?) (?:to|in|into) (?:usd|eur|gbp|jpy|inr|dollars?|euros?|"
        r"pounds?|yen|rupees?|yuan) (?:rate|now|today)|how (?:busy|crowded|full|packed) (?:is|"
        r"are)(?! an?\b)|how long is the (?:queue|line) (?:at|for|in|now)|who(?:'s|’s| is) (?:winning|"
        r"leading|playing|online|on call)\b|is (?:the |your |our )?(?:\w+ )?(?:server|site|website|service|"
        r"system|network|api|app|build|pipeline|bridge|road|pool|store|shop|museum|office|lift|elevator|"
        r"motorway|highway|airport) (?:down|up|online|offline|green|red|red|passing|open|closed|busy|"
        r"blocked)(?: now| yet| still| again)?\W*$|is (?:the |my )?(?:\w+ ){0,2}(?:flight|train|bus|ferry|"
        r"tram)(?: \w+)? (?:delayed|on time|late|cancelled|canceled|running)|next (?:bus|train|ferry|flight|"
        r"tram|metro|ship|eclipse|game|match)\b|are there (?:any )?(?:delays|outages|disruptions|strikes|"
        r"accidents|roadworks)\b|(?:any|there) (?:delays|outages) (?:on|at|in)|(?:are|is) there (?:any |"
        r"still |a )*(?:seats?|tables?|rooms?|tickets?|spaces?|spots?|cars?|bikes?|"
        r"parking)(?: \w+)? (?:left|available|free)|(?:in|out of) stock(?=\W*$| now| today| at| in)|"
        r"how many (?:\w+ )?(?:people|users|seats|rooms|spots|spaces|tickets|cars|bikes|places|"
        r"visitors)(?: are| is)?(?: \w+)? (?:online|left|available|free|waiting|inside|here|there now)|"
        r"how many (?:days|hours|weeks) (?:until|till|to|before) (?!i\b|the money|my)|(?:did|"
        r"has) \w+ (?:win|won|lose|lost) (?:the (?:game|match)|last night|yesterday)|what(?:'s|’s|"
        r" is) (?:on|playing) (?:tv|at the|on the|in the)|what(?:'s|’s| is) happening (?:in|at|on|today|now|"
        r"tonight)|what(?:'s|’s| is) (?:the )?(?:latest|new) (?:news|on|about|with)|live (?:scores?|"
        r"results?|traffic|prices?|departures|updates|stream)|^\W*is \w+ (?:online|home|awake|in the office|"
        r"at work|there)\W*$|(?:where is|how far (?:away )?is) the (?:bus|train|driver|courier|taxi|nearest)"
    ),
    acts=(
        r"(?:transfer|wire|send|pay|book|reserve|buy|text|email|e-mail|mail|dial|ring|remind|wake|schedule|"
        r"reschedule|approve|reject|confirm|forward)(?: (?:me|us|my|our|a|an|the|this|that|these|it|to|all|"
        r"both|another|two|three|for|in|at|\d+\S*|[£$€]\S*|some|one|\w+ (?:to|at|for|about|that|\d+\S*|"
        r"[£$€]\S*))\b)|(?:cancel|delete|remove|close|erase|refund|return|renew|upgrade|downgrade|reset|"
        r"change|update|edit|move|clear|empty|archive|rename|mute|unmute|activate|deactivate|report|redeem|"
        r"track|extend|increase|decrease|raise|lower) (?:my|our|the|this|that|these|it|all|both|every|me|us|"
        r"tomorrow's|today's)\b|cancel (?:order|booking|reservation|appointment|ticket) #?\d+|(?:freeze|"
        r"unfreeze|lock|unlock|block|unblock|pause|resume|skip|play|shuffle|restart|reboot|deploy|rollback|"
        r"roll back|merge|kill|execute|launch|stop|start|run|call|dim|arm|disarm|snooze|whisper|print|scan|"
        r"record|ship)(?: (?:my|our|the|this|that|these|it|all|both|every|me|us|mom|dad|him|her|them|"
        r"account|card|music|song|next|previous|another|a|an|some|two|three|\d+)\b|\W*(?:now\W*)?$)|"
        r"open (?:my|our|the|it|up)\b|order (?:me|us|a|an|another|some|more|two|three|\d{1,2})\b|(?:turn|"
        r"switch|put|shut) (?:\w+ ){0,3}(?:on|off|up|down)\b|turn (?:the|it|my|up|down|on|off)\b|set (?:a|"
        r"an|the|my|up a|up an|another|\w+ alarm)\b (?:\w+ ){0,2}?(?:timer|alarm|reminder|volume|thermostat|"
        r"temperature|lights?|appointment|meeting|brightness|limit|pin|password|status|clock|oven|heating)|"
        r"(?:add|put|write) (?:.{1,40}) (?:to|on|onto|in|into|from) (?:my|the|our) (?:\w+ )?(?:list|cart|"
        r"basket|calendar|order|bag|agenda|account|schedule|playlist|queue|balance)|"
        r"remove (?:.{1,40}) from (?:my|the|our) (?:\w+ )?(?:list|cart|basket|calendar|order|agenda|"
        r"playlist|queue|team|group)|(?:sign|log|check) (?:me|us) (?:up|in|out)\b|take me (?:home|to)\b|"
        r"navigate (?:me )?(?:to|home)\b|reply (?:to|that|yes|no)\b|create (?:a|an|the|my) (?:ticket|issue|"
        r"event|reminder|appointment|meeting|invoice|task|backup|branch)\b|unsubscribe me\b|subscribe me\b|"
        r"(?:get|call|find|order|book) me (?:a|an|the|some|my)\b (?:taxi|cab|uber|car|ride|table|room|"
        r"flight|pizza|coffee|appointment)|make (?:me )?(?:a|an|the) (?:reservation|appointment|call|"
        r"payment|booking|transfer|deposit|note)\b|take (?:a|an) (?:note|picture|photo|screenshot)\b|"
        r"(?:withdraw|deposit|top up|donate|tip|add|convert|invest) (?:[£$€]\s?)?\d"
    ),
    polite=(
        r"(?:(?:please|kindly|ok|okay|hi|hello|hey|now|just|go ahead and|and|then)\W+)*(?:(?:can|could|"
        r"would|will) you\W+|i(?:'d| would) like (?:you )?to\W+|i (?:want|need) you to\W+|you (?:must|"
        r"should|need to)\W+)?(?:(?:please|kindly|just)\W+)?"
    ),
    opens=(
        r"\W*(?:(?:hi|hello|hey|please|so|and|ok|can you|could you)\W+)*(?:what|when|where|which|who|whose|"
        r"how (?:much|many|long|is|are|did|old|far)|is|are|was|were|did|do|does|has|have|had|am|show|tell|"
        r"list|check|give|read|look up|any)\b"
    ),
    unhurried=(
        r"how (?:do|can|could|to|should|would|does)|why|help|want|need|trying|my|me|we|"
        r"(?<!should )(?<!can )i(?:'m|'ve|'d|'ll)?|in \d{4}|history|mean"
    ),
)
GERMAN = Language(
    "de",
    mine=r"mein(?:e[nmrs]?)?|unser(?:e[nmrs]?)?",
    records=(
        r"kontostand|saldo|guthaben|gehalt|lohn|rente|rechnung(?:en)?|bestellung(?:en)?|paket|lieferung|"
        r"sendung|termine?|buchung(?:en)?|urlaub(?:stage)?|passwort|kontonummer|iban|adresse|geburtstag|"
        r"punkte|vertrag|status|abonnement|flug|zug|gepäck|noten?|ergebnisse?|befund|rezept|limit|schulden|"
        r"miete|steuern?|kalender|nachrichten|mails?|schicht|antrag|ticket|handynummer|verbrauch|name|chef|"
        r"nächste[rns]?|letzte[rns]?|bonität|schufa\S*|schlüssel|auto|handy"
    ),
    asked=(
        r"^\W*(?:was|wie ?viel|wo|wann) habe (?:ich|wir) (?!anspruch|recht|zu)[^?]*(?:\bge\w+(?:t|en)|bezahlt|"
        r"verbraucht|überwiesen|bestellt|verdient)\b|\bwer (?:ist|sind) (?:mein|unser)\w*\b|\bwie (?:lautet|he"
        r"ißt|ist) mein\w*\b|"
        r"\b(?:für|über|von|zu) mi(?:ch|r) (?:\w+ )?(?:hinterlegt|gespeichert|eingetragen|bekannt)\b|\bwann (?"
        r":endet|läuft|verfällt|erlischt|verlängert) (?:sich )?mein\w*\b|"
        r"wie ?viele?\b.{0,40}\b(?:habe|hab|schulde|verdiene|bekomme) ich(?: noch| diesen| letzten|\W*$)|"
        r"wann (?:bekomme|kriege|habe|muss) ich (?:mein|das nächste|den nächsten|meinen|meine|wieder)\b|"
        r"^\W*(?:habe|hab|bin) ich (?:schon|heute|gestern|noch|bereits)|was hat mein\w* \w+ (?:gesagt|"
        r"geschrieben|verschrieben|gewollt)|wer bin ich\W*$|wo bin ich\b"
    ),
    how=(
        r"wie (?:kann|muss|soll|könnte|geht|mache|ändere|kündige|bekomme|finde|funktioniert|lange|man|"
        r"\w+e ich)|kann (?:ich|man)|darf ich|muss ich|warum|wieso|was passiert|hilfe|möchte|will"
    ),
    now=(
        r"jetzt|gerade|momentan|im moment|derzeit|heute|morgen(?!s)|gestern|heute abend|"
        r"diese[nrs]? (?:woche|monat|wochenende|abend)|nächste[nrs]? (?:woche|monat|wochenende)|"
        r"aktuelle?[rns]?"
    ),
    live=(
        r"(?:noch|gerade|schon|jetzt) (?:offen|geöffnet|auf|zu)\W*$|(?:wo|wie(?: hoch)?) steht (?:der|die|das)"
        r"|gibt es (?:\w+ )?(?:staus?|verspätungen|störungen)|"
        r"wie steht (?:es|das spiel)|wie läuft das (?:spiel|rennen)|"
        r"wie spät|wie ?viel uhr|welcher tag|welches datum|(?:wie (?:ist|wird) das |das )?wetter|regnet es|"
        r"schneit es|wie (?:warm|kalt|voll) ist|staus?\b|verkehrslage|aktienkurs|börsenkurs|wechselkurs|"
        r"wie steht (?:es|das spiel|der|die|der)|wer (?:gewinnt|führt)|nächste[rn]? (?:bus|zug|bahn|fähre|"
        r"flug)|verspätung|pünktlich|wie ?viel (?:kostet|ist) (?:ein |der |die )?(?:bitcoin|benzin|diesel|"
        r"gold)|(?:nachrichten|schlagzeilen)\W*$|(?:noch )?(?:frei|verfügbar|vorrätig|auf lager)\W*$"
    ),
    acts=(
        r"sperre?|entsperre?|überweise?|bestelle?|buche?|storniere?|kündige?|bezahle?|zahle?|sende?|"
        r"schicke?|schick|lösche?|schalte?|stelle?|starte|stoppe?|spiele?|spiel|rufe?|ruf|öffne|schließe?|"
        r"erinnere?|füge?|setze?|mache?|mach|dreh\w*|reserviere?|kaufe?|kauf|aktiviere?|deaktiviere?|"
        r"ändere?|pausiere?|lege?|trage?|weck\w*|führe?|lass|melde?"
    ),
    polite=(
        r"(?:(?:bitte|hallo|hi|ok)\W+)*(?:(?:kannst du|können sie|könnten sie|könntest du|"
        r"würden sie)\W+(?:bitte\W+)?(?:\w+\W+){0,4}?)?"
    ),
)
FRENCH = Language(
    "fr",
    mine=r"mon|ma|mes|notre|nos",
    records=(
        r"solde|compte|salaire|paie|paye|retraite|factures?|commandes?|colis|livraison|rendez-vous|rdv|"
        r"réservations?|congés?|vacances|mot de passe|numéro|adresse|anniversaire|points|contrat|statut|"
        r"abonnement|vols?|train|bagages?|notes?|résultats?|ordonnance|limite|plafond|dettes?|loyer|impôts?|"
        r"agenda|calendrier|messages?|mails?|courriels?|dossier|demande|billets?|dépenses|nom|prochaine?|"
        r"dernière?s?|derniers?|médecin|voiture|clés?|téléphone"
    ),
    asked=(
        r"\bqui (?:est|sont) (?:mon|ma|mes)\b|\bquel(?:le)? est (?:mon|ma)\b|"
        r"\b(?:enregistrée?s?|connue?s?) (?:pour|sur) moi\b|\bquand (?:mon|ma|mes|expire|finit|se termine)\b[^"
        r"?]*\b(?:expire|expirent|finit|termine|fin|mon|ma|mes)\b|"
        r"combien\b.{0,50}\b(?:me reste-t-il|il me reste|ai-je|j'ai|je dois|dois-je|je gagne|ai je)\b|"
        r"quand (?:est-ce que je |vais-je |serai-je )(?:suis payé|être payé|payé|reçois|recevoir)|"
        r"^\W*(?:ai-je|est-ce que j'ai) (?:déjà|bien|pris|payé|reçu|des|un|une)|qu'a (?:dit|écrit) mon|"
        r"qui suis-je\W*$|où suis-je"
    ),
    how=(
        r"comment (?:puis|faire|peut|dois|est-ce|je|on|modifier|annuler|changer|\w+er)|puis-je|peut-on|"
        r"est-il possible|pourquoi|dois-je|aide[rz]?|je (?:veux|voudrais|souhaite|dois)"
    ),
    now=(
        r"maintenant|en ce moment|actuellement|aujourd['’]hui|ce (?:soir|matin|mois|week-end)|cette (?:nuit|"
        r"semaine)|demain|hier(?= (?:soir|matin)|\W*$)|tout de suite|(?:semaine|mois) prochaine?"
    ),
    live=(
        r"y a-t-il (?:des |du )?(?:retards?|bouchons|trafic|perturbations)|encore ouverte?|"
        r"où en est le match|quel est le score|"
        r"quelle heure|quel jour|quelle date|y a-t-il (?:des |encore |du ).{0,30}(?:embouteillages|bouchons|"
        r"retards?|places|trafic|monde)|(?:quel temps|météo)|pleut-il|il pleut|neige-t-il|(?:trafic|"
        r"info circulation|circulation (?:sur|à|dans|est)|bouchons?)|cours (?:de l'action|du|de la bourse|"
        r"de)|taux de change|qui (?:gagne|mène)|prochain (?:bus|train|métro|vol|tram|ferry)|retard|"
        r"combien (?:vaut|coûte) (?:le |un |l')?(?:bitcoin|or|essence|pétrole)|(?:actualités|infos|"
        r"nouvelles)\W*$|(?:encore |reste-t-il ).{0,20}(?:places?|disponibles?)|en stock"
    ),
    acts=(
        r"bloque[rz]?|débloque[rz]?|vire[rz]?|transfère|transférez|envoie|envoyez|paie|paye[rz]?|payez|"
        r"réserve[rz]?|commande[rz]?|annule[rz]?|achète|achetez|supprime[rz]?|efface[rz]?|résilie[rz]?|"
        r"allume[rz]?|éteins|éteignez|joue[rz]?|mets|mettez|arrête[rz]?|démarre[rz]?|redémarre[rz]?|"
        r"lance[rz]?|appelle|appelez|ouvre[rz]?|ferme[rz]?|rappelle|rappelez|ajoute[rz]?|modifie[rz]?|"
        r"change[rz]? (?:mon|ma|mes|le|la|les|l')|active[rz]? (?:mon|ma|mes|le|la|les|l')|désactive[rz]?|"
        r"programme[rz]? (?:un|une|mon|ma|le|la)|monte[rz]?|baisse[rz]?|règle[rz]?|retire[rz]?|réveille[rz]?"
    ),
    polite=(
        r"(?:(?:s'il (?:te|vous) plaît|svp|bonjour|salut|ok)\W+)*(?:(?:peux-tu|pouvez-vous|pourrais-tu|"
        r"pourriez-vous|veuillez)\W+)?(?:(?:me|m'|l'|le|la)\W*)?"
    ),
)
SPANISH = Language(
    "es",
    mine=r"mi|mis|nuestro|nuestra|nuestros|nuestras",
    records=(
        r"saldo|cuenta|sueldo|salario|nómina|pensión|facturas?|recibos?|pedidos?|paquete|entrega|envío|"
        r"citas?|reservas?|vacaciones|contraseña|número|dirección|cumpleaños|puntos|contrato|estado|"
        r"suscripción|vuelos?|tren|equipaje|maletas?|notas?|resultados?|receta|límite|deudas?|alquiler|"
        r"impuestos|agenda|calendario|mensajes?|correos?|solicitud|billetes?|entradas?|gastos?|nombre|"
        r"próxim[oa]s?|últim[oa]s?|médico|coche|llaves|turno|jefe"
    ),
    asked=(
        r"\bqui[ée]n es mi\b|\bcuál es mi\b|"
        r"\b(?:registrad[oa]s?|guardad[oa]s?|tienen?|tenéis) (?:\w+ )?(?:sobre|de|para) mí\b|\bcuándo (?:caduc"
        r"an?|vencen?|expiran?|terminan?|acaban?|se renuevan?) (?:mi|mis)\b|"
        r"cu[áa]nt[oa]s?\b.{0,50}\b(?:me queda[n]?|tengo|debo|gano|he gastado|gast[ée])\b|"
        r"cu[áa]ndo (?:cobro|me pagan|me toca)|^\W*¿?(?:he|ya he|tengo) (?:tomado|pagado|enviado|alg[úu]n|"
        r"alguna|ya|\w+ nuev[oa]s)|qu[ée] (?:dijo|ha dicho|escribi[óo]) mi|qui[ée]n soy\W*$|d[óo]nde estoy"
    ),
    how=(
        r"c[óo]mo (?:puedo|se|hago|debo|\w+o )|puedo|se puede|es posible|por qu[ée]|debo|tengo que|ayuda|"
        r"quiero|necesito|quisiera"
    ),
    now=(
        r"ahora(?: mismo)?|en este momento|actualmente|hoy|esta (?:noche|tarde|semana|mañana)|este (?:mes|"
        r"fin de semana)|mañana|ayer|(?:semana|mes) que viene|pr[óo]xim[oa] (?:semana|mes)"
    ),
    live=(
        r"hay (?:retrasos?|atascos?|demoras?|tráfico)|sigue abiert[oa]|"
        r"cómo va el partido|cómo van|"
        r"qu[ée] hora|qu[ée] d[íi]a|qu[ée] fecha|qu[ée] tiempo hace|(?:el )?(?:tiempo|clima) (?:en|hace|de)|"
        r"llueve|est[áa] lloviendo|nieva|tr[áa]fico|atascos?|cotizaci[óo]n|tipo de cambio|qui[ée]n (?:gana|"
        r"va ganando)|pr[óo]ximo (?:autob[úu]s|tren|metro|vuelo|bus|ferry)|retras(?:o|ado)|"
        r"cu[áa]nto (?:vale|cuesta|est[áa]) (?:el |un |la )?(?:bitcoin|d[óo]lar|oro|gasolina|petr[óo]leo)|"
        r"(?:noticias|titulares)\W*$|(?:quedan|hay) .{0,25}(?:libres?|disponibles?)|en stock"
    ),
    acts=(
        r"bloque[ae]|desbloque[ae]|transfier[ae]|transferir|env[íi][ae](?:me|le)?|mand[ae](?:me|le)?|"
        r"pag[au]e?|reserv[ae]|ped[ií]|pid[ea](?:me)?|cancel[ae]|anul[ae]|compr[ae](?:me)?|elimin[ae]|"
        r"borr[ae]|enciend[ea]|apag(?:a|ue)|pon(?:me|ga)?|reproduc[ea]|toca|det[eé]n|para la|inici[ae]|"
        r"reinici[ae]|ejecut[ae]|llam[ae]|abr[ea]|cierr[ae]|recu[eé]rd[ae](?:me)?|a[ñn]ad[ea]|"
        r"agreg[ae](?:r)?|cambi[ae]|modific[ae]|activ[ae]|desactiv[ae]|program[ae]|sub[ea]|baj[ae]|"
        r"despi[eé]rt[ae](?:me)?|haz|congel[ae]|ingres[ae]"
    ),
    polite=r"¡?(?:(?:por favor|hola|ok|vale)\W+)*(?:(?:puedes|puede|podr[íi]as|podr[íi]a)\W+)?",
)
ITALIAN = Language(
    "it",
    mine=r"mio|mia|miei|mie|nostro|nostra|nostri",
    records=(
        r"saldo|conto|stipendio|pensione|fattur[ae]|bollett[ae]|ordin[ei]|pacco|consegna|spedizione|"
        r"appuntament[oi]|prenotazion[ei]|ferie|password|numero|indirizzo|compleanno|punti|contratto|stato|"
        r"abbonamento|volo|treno|bagagli[oi]?|voti|risultat[oi]|ricetta|limite|debit[oi]|affitto|tasse|"
        r"agenda|calendario|messaggi|mail|e-mail|richiesta|pratica|bigliett[oi]|spese|nome|prossim[oaie]|"
        r"ultim[oaie]|medico|macchina|chiavi|turno|capo"
    ),
    asked=(
        r"\bchi è (?:il mio|la mia)\b|\bqual è (?:il mio|la mia)\b|"
        r"\b(?:registrat\w|salvat\w) (?:per|su) (?:di )?me\b|\bquando (?:scad\w+|finisc\w+|termin\w+) (?:il|la"
        r"|i|le) mi\w+\b|"
        r"quant[oaie]\b.{0,50}\b(?:mi rest\w+|ho|devo|guadagno|ho speso|mi rimangono)\b(?: ancora|\W*$)|"
        r"quando (?:mi pagano|vengo pagat[oa]|ricevo)|^\W*(?:ho) (?:già|preso|pagato|inviato|qualche|"
        r"\w+ nuov[ie])|cosa (?:ha|mi ha) (?:detto|scritto)|chi sono\W*$|dove sono\W*$"
    ),
    how=r"come (?:posso|si|faccio|devo|\w+o )|posso|si può|è possibile|perché|devo|aiuto|voglio|vorrei|ho bisogno",
    now=(
        r"adesso|ora(?=\W*$)|in questo momento|attualmente|oggi|stasera|stanotte|stamattina|domani|ieri|"
        r"questa (?:settimana|sera)|questo (?:mese|weekend)|settimana prossima|prossima settimana"
    ),
    live=(
        r"ci sono ritardi|c'è traffico|ancora apert[oa]|"
        r"come va la partita|a quanto stanno|"
        r"che ore? (?:è|sono)|che giorno è|che data|che tempo fa|(?:il )?meteo|piove|sta piovendo|nevica|"
        r"traffico|coda in|quotazione|tasso di cambio|chi (?:vince|sta vincendo)|prossimo (?:autobus|treno|"
        r"volo|tram|traghetto)|ritardo|quanto (?:vale|costa) (?:il |un |l')?(?:bitcoin|oro|benzina|"
        r"petrolio)|(?:notizie)\W*$|(?:ancora|ci sono) .{0,25}(?:liber[ie]|disponibil[ie])|disponibile ora"
    ),
    acts=(
        r"blocc[ah]i?|sblocc[ah]i?|trasferisc[ia]|bonific[ah]i?|invi[ao]|mand[ai]|pag[ah]i?|prenot[ai]|"
        r"ordin[ai]|annull[ai]|cancell[ai]|disdic[ia]|compr[ai]|elimin[ai]|accend[ia]|spegn[ia]|spengi|"
        r"riproduc[ia]|suona|metti|metta|ferm[ai]|avvi[ao]?|riavvi[ao]?|esegu[ia]|chiam[ai]|apr[ia]|"
        r"chiud[ia]|ricord(?:a|ami|i)|aggiung[ia]|cambi[ao]?|modific[ah]i?|attiv[ai]|disattiv[ai]|"
        r"impost[ai]|alz[ai]|abbass[ai]|svegli(?:a|ami)|fai|salta|togli"
    ),
    polite=r"(?:(?:per favore|per piacere|ciao|ok)\W+)*(?:(?:puoi|può|potresti|potrebbe)\W+)?",
)
PORTUGUESE = Language(
    "pt",
    mine=r"meu|minha|meus|minhas|nosso|nossa",
    records=(
        r"saldo|conta|salário|ordenado|pensão|faturas?|boletos?|encomendas?|pedidos?|pacote|entrega|"
        r"consultas?|reservas?|férias|senha|palavra-passe|número|endereço|morada|aniversário|pontos|"
        r"contrato|estado|status|assinatura|voo|trem|comboio|bagagem|mala|notas?|resultados?|receita|limite|"
        r"dívidas?|aluguel|renda|impostos|agenda|calendário|mensagens?|e-?mails?|bilhetes?|gastos|despesas|"
        r"nome|próxim[oa]s?|últim[oa]s?|médico|carro|chaves|turno|chefe"
    ),
    asked=(
        r"\bquem é (?:o meu|a minha)\b|\bqual é (?:o meu|a minha)\b|"
        r"\b(?:registad[oa]s?|guardad[oa]s?) (?:sobre|para) mim\b|\bquando (?:vence|vencem|expira|expiram|term"
        r"ina|terminam|acaba|acabam|caduca) (?:o |a |os |as )?(?:meu|minha|meus|minhas)\b|"
        r"quant[oa]s?\b.{0,50}\b(?:tenho|me resta[m]?|devo|ganho|gastei)\b|quando (?:recebo|me pagam|"
        r"vou receber)|^\W*(?:já|eu já) (?:tomei|paguei|enviei)|^\W*tenho (?:\w+ nov[oa]s|alguma|algum)|"
        r"(?:o que|que) (?:disse|escreveu) (?:o meu|a minha|meu|minha)|quem sou eu\W*$|onde estou"
    ),
    how=r"como (?:posso|se|faço|devo|\w+o )|posso|é possível|por que|porque|devo|ajuda|quero|gostaria|preciso",
    now=(
        r"agora(?: mesmo)?|neste momento|no momento|atualmente|hoje|esta (?:noite|semana|tarde)|este (?:mês|"
        r"fim de semana)|amanhã|ontem|próxima semana|semana que vem"
    ),
    live=(
        r"há (?:atrasos?|trânsito|filas?)|ainda abert[oa]|"
        r"como está o jogo|"
        r"que horas|que dia (?:é|e)|qual (?:é )?a (?:data|hora)|como (?:está|vai estar) o tempo|"
        r"(?:previsão )?(?:do|o) tempo|está a? ?chov\w+|chove|trânsito|tráfego|cotação|taxa de câmbio|"
        r"quem (?:está ganhando|ganha|está a ganhar)|próximo (?:ônibus|autocarro|trem|comboio|metrô|voo|"
        r"barco)|atras(?:o|ado)|quanto (?:vale|custa|está) (?:o |um |a )?(?:bitcoin|dólar|ouro|gasolina)|"
        r"(?:notícias)\W*$|(?:ainda há|tem) .{0,25}(?:livres?|disponíve(?:l|is))|em estoque"
    ),
    acts=(
        r"bloquei[ae]|desbloquei[ae]|transfir[ae]|transfer[ei]|envi[ae]|mand[ae]|pag(?:a|ue)|reserv[ae]|"
        r"pe[çc]a|encomend[ae]|cancel[ae]|compr[ae]|apag(?:a|ue)|elimin[ae]|exclu[ai]|lig(?:a|ue)|"
        r"deslig(?:a|ue)|acend[ae]|toc(?:a|que)|reproduz[a]?|ponha|põe|coloque|coloca|par[ae]|inici[ae]|"
        r"reinici[ae]|execut[ae]|cham[ae]|abr[ae]|fech[ae]|lembr[ae](?:-me)?|adicion[ae]|acrescent[ae]|"
        r"mud[ae]|alter[ae]|ativ[ae]|desativ[ae]|defin[ae] (?:o|a|um|uma|meu|minha)\b|aument[ae]|baix[ae]|"
        r"diminu[ai]|acord[ae](?:-me)?|marqu?[ae]|faç?a|congel[ae]"
    ),
    polite=r"(?:(?:por favor|olá|oi|ok)\W+)*(?:(?:pode|podes|poderia|você pode)\W+)?(?:me\W+)?",
)
RUSSIAN = Language(
    "ru",
    mine=r"мой|моя|моё|мое|мои|моего|моей|моих|моему|моём|моем|мою|наш|наша|наши|у меня",
    records=(
        r"баланс\w*|сч[её]т\w*|остаток|зарплат\w*|пенси\w*|заказ\w*|посылк\w*|доставк\w*|запис\w*|бронь|"
        r"брони|бронировани\w*|отпуск\w*|пароль|номер|адрес|день рождения|балл\w*|договор\w*|статус\w*|"
        r"подписк\w*|рейс\w*|поезд\w*|багаж\w*|оценк\w*|результат\w*|рецепт\w*|лимит\w*|долг\w*|аренд\w*|"
        r"налог\w*|календар\w*|сообщени\w*|почт\w*|заявк\w*|билет\w*|расход\w*|имя|следующ\w*|последн\w*|"
        r"врач\w*|машин\w*|ключ\w*|телефон\w*|смен\w*|денег|деньги|дней|карт[еы]"
    ),
    asked=(
        r"\bкто (?:мой|моя)\b|"
        r"\bкогда (?:истекает|истечёт|заканчивается|закончится|кончается) (?:мой|моя|моё|мои)\b|"
        r"сколько\b.{0,50}\b(?:у меня|я должен|я должна|мне осталось|я потратил\w*|я зарабатываю)|"
        r"когда (?:мне|я) (?:заплатят|зарплата|получу|прид[её]т)|^\W*(?:я уже|принял\w* ли я|"
        r"заплатил\w* ли я)|что (?:сказал|написал)\w* мо|кто я\W*$|где я\W*$"
    ),
    how=r"как (?:мне|можно|я могу|\w+ть)|можно ли|могу ли|почему|нужно ли|помогите|хочу|как",
    now=(
        r"сейчас|в данный момент|на данный момент|сегодня|сегодняшн\w*|завтра|вчера|этой (?:ночью|неделе|"
        r"неделей)|на этой неделе|в этом месяце|на следующей неделе|немедленно|прямо сейчас"
    ),
    live=(
        r"есть ли (?:пробки|задержки)|(?:ещё|еще) открыт\w*|"
        r"какой сч[её]т|как ид[её]т (?:матч|игра)|"
        r"который час|сколько времени|какое (?:сегодня )?число|какой (?:сегодня )?день|погод\w*|"
        r"ид[её]т (?:ли )?(?:дождь|снег)|пробк\w*|курс (?:доллара|евро|акци\w+|валют\w*|биткоина|рубля)|"
        r"сч[её]т (?:матча|игры)|кто (?:выигрывает|побеждает|вед[её]т)|следующ\w+ (?:автобус|поезд|рейс|"
        r"электричк\w+|трамвай)|опаздывает|задержива\w+|сколько стоит (?:биткоин|доллар|бензин|золото)|"
        r"(?:новости)\W*$|есть (?:ли )?.{0,20}(?:в наличии|свободн\w+)|свободные (?:места|столики)"
    ),
    acts=(
        r"заблокируй(?:те)?|разблокируй(?:те)?|переведи(?:те)?|отправь(?:те)?|пошли(?:те)?|оплати(?:те)?|"
        r"заплати(?:те)?|забронируй(?:те)?|закажи(?:те)?|отмени(?:те)?|купи(?:те)?|удали(?:те)?|"
        r"включи(?:те)?|выключи(?:те)?|поставь(?:те)?|останови(?:те)?|запусти(?:те)?|перезапусти(?:те)?|"
        r"перезагрузи(?:те)?|позвони(?:те)?|открой(?:те)?|закрой(?:те)?|напомни(?:те)?|добавь(?:те)?|"
        r"измени(?:те)?|смени(?:те)?|активируй(?:те)?|отключи(?:те)?|подключи(?:те)?|сделай(?:те)?|"
        r"разбуди(?:те)?|запиши(?:те)?|убери(?:те)?|увеличь(?:те)?|уменьши(?:те)?|пополни(?:те)?|"
        r"выполни(?:те)?|заморозь(?:те)?"
    ),
    polite=r"(?:(?:пожалуйста|привет|здравствуйте|ок)\W+)*(?:(?:можешь|можете|не могли бы вы)\W+)?",
)

EUROPEAN = (ENGLISH, GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE, RUSSIAN)
