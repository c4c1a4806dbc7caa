"""What benchmarks are held to, in the order of the page: the target as a sentence, and where its figures stand.

A target is said here; what was found is taken from the record by `str.format`. A row without a record is left out.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Held(NamedTuple):
    """One row: the benchmark, its target, the form of what was found, and what its command needs besides."""

    benchmark: str
    target: str
    found: str
    needs: str = ""


DIR = " --data DIR"

HELD: Mapping[str, Sequence[Held]] = {
    "The runtime": (
        Held(
            "import_time",
            "`import agentmem`: at most 3 × `import json` and 50 ms",
            "{agentmem_ms:.0f} ms beside {json_ms:.0f} ms",
        ),
        Held(
            "turn",
            "our own work in a turn: at most 2 ms, and turn 500 at most 1.2 × turn 50; a whole turn at most 1.5 × a "
            "bare two-node LangGraph loop, as it ships and on our connection's settings; disk beyond the transcript "
            "at most 6 KB a turn",
            "{own_ms:.2f} ms, {late_over_early:.2f} ×; {over_as_shipped:.2f} and {over_on_our_settings:.2f} ×; "
            "{bytes_beyond_the_transcript:,.0f} bytes",
        ),
        Held(
            "local_cache",
            "the previous request, cached by the local engine while an agent works: at least 97 % in every turn",
            "{worst_turn:.1%} in the worst turn; with the time in front {time_in_front:.1%}",
        ),
        Held(
            "token_estimate",
            "recorded requests whose tokens the estimate covers, held-out half: at least 99 %",
            "{calibrated:.2%}; a bare count {bare_count:.1%}",
            DIR,
        ),
        Held(
            "handbook",
            "900 pages: open at 4 MB/s or more, unchanged in under 10 % of that, a search in a median of 25 ms",
            "{megabytes_a_second:.1f} MB/s, {again:.1%}, {search_median_ms:.1f} ms",
            DIR,
        ),
        Held(
            "flat_cost",
            "a turn on a long history: at most 1.3 × one at the first mark, and 150 ms with a compaction",
            "sent {sent:.2f} ×, own work {own:.2f} ×, memory {memory:.2f} ×, opening {opening:.2f} × at {history:,} "
            "tokens; {longest_ms:.0f} ms",
        ),
        Held(
            "kills",
            "kills at random points across runs with compactions: none loses or doubles anything",
            "{kills} kills in {runs} runs with {compactions} compactions",
        ),
        Held(
            "small_budget",
            "on the local engine, under a budget of 6,000: 85 % of a request for a summary is cached",
            "{compactions} compactions, {sent:,} tokens sent",
        ),
        Held(
            "fork_cache",
            "a fork's first request: at least 99 % of what stood at the checkpoint is cached by the local engine",
            "fork {fork:.1%}, branch {branch:.1%}, as a new conversation {new_conversation:.1%}",
        ),
        Held("proportion", "work in proportion to what it works on: 4 × the input, a bounded multiple of the time", ""),
    ),
    "Recordings": (
        Held(
            "replay_verify",
            "simulated against what the provider billed, all and the held-out half: hit rate within 0.3 points in the "
            "mean, 1.2 a session; input dollars within 6 %",
            "all: {all[hit_rate_error_mean]:+.2f} points in the mean, {all[hit_rate_error_sd]:.2f} a session; held "
            "out: {held out[hit_rate_error_mean]:+.2f} and {held out[hit_rate_error_sd]:.2f}",
            DIR,
        ),
        Held(
            "replay_defaults",
            "the first command of the how-to on recorded coding sessions: every policy gets through every chain; each "
            "session by itself within 10 % of its bill",
            "${simulated_usd:,.0f} beside ${billed_usd:,.0f} billed",
            DIR,
        ),
        Held(
            "replay_peers",
            "beside peers, chains of 1M tokens, budget 120,000: to act at most .74 × the best peer's dollars, excess "
            "at most .57; far calls at least 6 points above each peer's; near ones at least 99 %; at most 2 % again",
            "see its lines below",
            DIR,
        ),
        Held("replay_chains", "the same by chain: no chain at .80 or above", "see its lines below", DIR),
        Held(
            "replay_traces",
            "Mooncake's traces: the published share of blocks within 0.2 points in caches of every size; "
            "kv-cache-tester's sessions: a median of 95 to 96 %",
            "median {sessions[hit_rates][1]:.1%}",
            DIR,
        ),
        Held(
            "replay_speed",
            "`recorded`, `append-only` and `sliding`: at least 2,000 requests a second on one core, in 500 MB",
            "append-only {requests_a_second[append-only]:,.0f} a second, {peak_mb:,.0f} MB",
            DIR,
        ),
        Held(
            "block_cache",
            "the block store on Mooncake's conversations, by capacity, within its tolerance",
            "{hit_rate_None:.2f} % without a limit, {hit_rate_3000000:.2f} % in 3M tokens",
            DIR,
        ),
        Held(
            "planner",
            "a trace at 10,000 requests a second of one core; beside ai-dynamo's replay only with --oracle",
            "conversations {workloads[conversation][no_limit]:.1%} of tokens without a limit, "
            "{workloads[conversation][requests_per_second]:,.0f} requests a second",
            DIR,
        ),
        Held(
            "planner_eviction",
            "LRU as played is the exact stack's, no row finds more than is possible, the default finds most on average",
            "lru {average[lru]:.1%}, lfu {average[lfu]:.1%}, value {average[value]:.1%}, knowing the future "
            "{average[belady]:.1%}",
            DIR,
        ),
        Held(
            "planner_pins",
            "blocks that stay while a tool runs cost no more than a point of hits (claimed elsewhere: 1.12 to 3.66 x "
            "less delay)",
            "{points[0]:+.1%} to {points[1]:+.1%} of hits, the mean first token {mean_gains[0]:.2f} to "
            "{mean_gains[1]:.2f} x sooner",
            DIR,
        ),
        Held(
            "planner_choices",
            "96 % of agents' tokens at a capacity that is named; every choice names what it assumes and what is "
            "claimed",
            "{capacity_for[96%]:,} tokens of KV",
            DIR,
        ),
        Held(
            "planner_settings",
            "every option that a plan names stands in the engines' own parsers",
            "{missing} missing",
        ),
        Held(
            "fidelity",
            "what must survive is in view after any number of cuts; the detector on held-out sentences: precision .95, "
            "recall .90",
            "precision {held[precision]:.3f}, recall {held[recall]:.3f}",
        ),
        Held(
            "why_matrix",
            "exactly the faults that were put in are named, and none on a clean run",
            "{right} of {runs} runs, {clean_findings} findings on clean ones",
        ),
        Held(
            "routing",
            "dollars never above staying; a mixed day 25 % below, or 95 % of what its labels and the ratio of prices "
            "allow where that is less",
            "the mixed day is {day[0][share]:.2f}, {day[1][share]:.2f}, {day[2][share]:.2f} and {day[3][share]:.2f} of "
            "staying (the least that can be: {day[0][least_share]:.2f}, {day[1][least_share]:.2f}, "
            "{day[2][least_share]:.2f}, {day[3][least_share]:.2f})",
            DIR,
        ),
        Held(
            "router_difficulty",
            "questions by difficulty on RouteLLM's answers, each fold by the others: APGR .70 on MMLU, .60 on GSM8K "
            "(chance .5)",
            "MMLU {mmlu[ours]:.3f} (a table of subjects {mmlu[subjects]:.3f}), GSM8K {gsm8k[ours]:.3f}",
            DIR,
        ),
    ),
    "Under agents of others": (
        Held(
            "middleware",
            "recorded work under real agents: at most .75 × the dollars to act of `create_agent` with its summariser "
            "and caching, at most .70 × deepagents' at its defaults",
            "see its lines below",
            DIR,
        ),
        Held(
            "middleware_beside",
            "beside five of LangChain's own: no break but the declared cuts, at most four marks, 97 % of requests for "
            "a summary read from the cache",
            "{beside[breaks]} breaks, {beside[cuts]} cuts, {beside[most_marks]} marks, {beside[summaries_read]:.1%}",
        ),
        Held(
            "middleware_turn",
            "a turn of the middleware: at most 3 ms of the processor, flat to the last, as many bytes of state late as "
            "early",
            "{median_ms:.2f} ms; {early_ms:.2f} early, {late_ms:.2f} late; {bytes_first:,.0f} bytes, {bytes_last:,.0f}",
        ),
        Held(
            "delegates",
            "eight pieces of work over a prefix of 60k tokens: at most .35 × fresh conversations' dollars, .60 × "
            "deepagents' `task`",
            "${contenders[delegates, shared prefix][usd]:.3f} beside ${contenders[fresh conversations][usd]:.3f} and "
            "${contenders[deepagents task][usd]:.3f}",
        ),
        Held(
            "proxy_latency",
            "the meter: no request fails, memory flat, at most 3 ms added to the first byte (p50), 15 ms (p99)",
            "{meter_2000[added_p50_ms]:.1f} ms added (p50), {meter_2000[added_p99_ms]:.1f} (p99)",
        ),
    ),
    "The token warehouse": (
        Held(
            "warehouse_day",
            "a real day, memory a tenth of all states: .99 of the ceiling, 2.2 × the tokens an engine-second of no "
            "warehouse and 1.8 × those of the engine's own cache; beside the engine at most 3 %, memory 1.1 × its "
            "budget, disk .70 × whole states; a restart finds all",
            "{of_the_ceiling:.3f} ({share:.3f} of {ceiling:.3f}; none {none:.3f}, the engine's cache "
            "{engines_cache:.3f}), {tokens_a_second_over_none:.2f} ×, {tokens_a_second_over_the_engines_RAM_cache:.2f} "
            "×; {work_beside_the_engine:.1%}, {memory_over_its_budget:.2f} ×, {disk_over_whole_states:.2f} ×; "
            "{stored_blocks_found_after_a_restart:.0%}",
        ),
        Held(
            "warehouse_long",
            "a long day, simulated: 96 % of the prompts' tokens not computed again and 4.2 × none, with turns of 60 to "
            "120 new tokens; of turns that are all alike the whole ceiling",
            "{rows[0][share]:.2%} (ceiling {rows[0][ceiling]:.2%}), {rows[0][gain]:.1f} and {rows[1][gain]:.1f} ×; all "
            "60: {rows[2][share]:.2%} ({rows[2][ceiling]:.2%}), {rows[2][gain]:.1f} ×; all 120: {rows[3][share]:.2%} "
            "({rows[3][ceiling]:.2%}), {rows[3][gain]:.1f} and {rows[4][gain]:.1f} ×",
        ),
        Held(
            "warehouse_faults",
            "writers killed at random moments, files damaged: no acknowledged block lost, none wrong served, no abort",
            "{kills} kills and {damages:,} damaged files: {found[writer][lost]} lost, {found[writer][wrong]} wrong, "
            "{found[damage][accepted]} accepted",
        ),
        Held(
            "warehouse_peers",
            "blocks found after a restart: all of ours; beside LMCache and Mooncake's store, where they are given",
            "{ours} of {count}; LMCache {lmcache[find]}, Mooncake {mooncake[find]}; {far} of 40 with that store as "
            "a far tier",
        ),
        Held(
            "warehouse_team",
            "a team, a fork, a delegate and later sessions: each start finds 99 % of what earlier prompts had",
            "{worst:.1%} in the worst start",
        ),
    ),
    "Recall": (
        Held(
            "needles",
            "facts in a long history: 95 % first, 99 % among five, exact strings all first",
            "in {tokens:,} tokens: see its lines below; a question {p50_ms:.0f} ms",
            DIR,
        ),
        Held(
            "locomo",
            "LoCoMo: evidence among 5, 10, 20 found pieces for .72, .82, .89 of the questions",
            "{found_5:.3f}, {found_10:.3f}, {found_20:.3f}; BM25 {bm25_5:.3f}, {bm25_10:.3f}, {bm25_20:.3f}",
            DIR,
        ),
        Held(
            "reworded",
            "questions in other words than the fact's: .60 first, .85 among five",
            "{found_1:.3f}, {found_5:.3f}; BM25 {bm25_1:.3f}, {bm25_5:.3f}",
            DIR,
        ),
    ),
    "Answers": (
        Held(
            "answers_real",
            "real questions untouched (Bitext, Quora, CLINC150), and traps: at most 1 in 70 served",
            "traps at the default: {traps[0][served]} of {traps[0][traps]} served, {traps[0][reworded]} of "
            "{traps[0][rewordings]} rewordings",
            DIR,
        ),
        Held(
            "answers_near",
            "near questions of kinds that no gate was made for, at the first look: at most 1 in 70 served",
            "first looks of rounds 17 to 22: {first look[rows][48][served]}, {first look[rows][50][served]}, "
            "{first look[rows][52][served]}, {first look[rows][54][served]}, {first look[rows][56][served]} and "
            "{first look[rows][58][served]} of {first look[rows][58][traps]} served",
        ),
        Held(
            "answers_private",
            "no sentence about a person or this moment, and no order, served to another user; at most 2 % left out",
            "{served} of {sentences} served",
            DIR,
        ),
        Held(
            "answers_cost",
            "worth more than exact keys alone, at the promised error",
            "flat: {flat, 18 % repeats[the cache][hits]} hits beside {flat, 18 % repeats[exact keys][hits]} of exact "
            "keys, {flat, 18 % repeats[the cache][wrong]} wrong",
            DIR,
        ),
        Held(
            "answers_latency",
            "a lookup, embedding included, hot tier warm: p50 10 ms and p99 25 ms at 100,000 entries",
            "{entries_100000[p50_ms]:.1f} and {entries_100000[p99_ms]:.1f} ms, {entries_100000[ram_mb]:.0f} MB",
        ),
        Held(
            "answers_traps",
            "fow-cache's traps: 63 % of rewordings served at 2.7 % of traps",
            "{rewordings:.1%} at {traps:.1%}",
        ),
        Held(
            "answers_agreement",
            "the judge of answers: fewer errors of both kinds than equal numbers, codes, polarity and cosine .9",
            "see its lines below",
            DIR,
        ),
        Held(
            "answers_gptcache",
            "beside GPTCache on its own pairs: more right and fewer wrong for each published row",
            "{wrong_per_hit_over_defaults:.3f} × its wrong ones per hit at its defaults",
            DIR,
        ),
        Held("answers_peers", "none with as many hits and as few wrong ones", "see its lines below", DIR),
    ),
    "Team and sandbox": (
        Held(
            "cheats",
            "testers and coders that cheat, each in its own way: no cheat is believed",
            "{refused} of {cheats} refused",
        ),
        Held(
            "proof_cheats",
            "generated cheats of both sides: none proven, and with the split switched off at least 30 % pass",
            "{proven} of {compositions:,} proven; {pass_in_process:.1%} pass with the split off",
        ),
        Held(
            "proof_contradictions",
            "tests planted against the specification: each that running can decide is refused",
            "{refused} of {decided}",
        ),
        Held(
            "proof_pairs",
            "honest changes of real packages: at most 1 % refused of those whose tests can be proven",
            "{refused} of {able} refused, {share:.1%}; {limited} more whose tests cannot be proven as they are written",
        ),
        Held(
            "proof_share",
            "five real packages' own tests: at least 75 % proven, and at most 2.5 × the time of a plain run",
            "{proven:.1%} of {tests:,}, {proven_mean:.1%} a package; the slowest {times_of_the_slowest:.2f} ×",
        ),
        Held(
            "humanevalpack",
            "planted bugs, scripted players: each bug rejected with evidence, each fix proven, no cheat passed",
            "{outcomes} outcomes of {tasks} tasks, {wrong} wrong",
            DIR,
        ),
        Held(
            "team_prefix",
            "the tester's first request, on the local engine: 90 % of the prefix that both roles share is cached",
            "{read:.1%}; with the role in front {role_in_front:.1%}",
        ),
        Held(
            "merge_kills",
            "merges killed at random moments: no tree that is neither old nor new",
            "{bad} bad; {killed at work} killed at work",
        ),
        Held("forks", "a fork by overlay of 5,000 files and 200 MB: at most 50 ms and 1 MiB", "see its lines below"),
        Held("fork_attacks", "no way out, no more taken than is held, nothing left behind", "see its lines below"),
    ),
    "Fleets": (
        Held(
            "fleet",
            "runs of twenty replies, one each 0.3 s, on Ray: at most 15 % over one process with as many threads, with "
            "the start of the workers; the prefix paid once a worker",
            "{overhead:+.1%}: {seconds_fleet:.0f} s beside {seconds_threads:.0f} s, where models alone take "
            "{seconds_waiting_for_models:.0f} s; {done} done; cold requests {cold}",
        ),
        Held(
            "fleet_host",
            "one of two hosts killed in mid-run: its runs go on within 35 s, pages byte for byte, no effect twice",
            "{moved} of {runs} runs moved within {seconds_until_moved:.1f} s; {pages_wrong} of {pages:,} pages wrong, "
            "{effects_twice} of {effects:,} effects twice",
        ),
        Held(
            "fleet_faults",
            "a thousand kills of workers with a run, across hosts: no task lost or doubled, no effect twice",
            "{kills:,} kills, {pauses} pauses, {drops} times all connections dropped: of {tasks:,} tasks {lost} lost, "
            "{doubled} doubled, {effects_twice} effects twice",
        ),
        Held(
            "fleet_outages",
            "Postgres crashed, its disk full, its link cut for 20 s, object storage at 500 and 503 for a minute: no "
            "run fails, nothing is lost or twice, and work goes on within 15 s",
            "on after {crash[seconds_until_on]:.1f}, {full_disk[seconds_until_on]:.1f}, "
            "{cut_link[seconds_until_on]:.1f} and {busy_store[seconds_until_on]:.1f} s",
        ),
        Held(
            "fleet_batches",
            "a dataset of Ray Data over a pool of actors: every row with its result, none done twice",
            "{first[rows]} rows, {first[wrong]} wrong; read again, {again[twice]} done twice",
        ),
        Held(
            "concurrent",
            "100 runs, 50 at once, on Postgres: at least 1.0 × a bare LangGraph loop's runs a second, at most 2 × its "
            "CPU; 1,000 live runs: at most 1 MB each, on 40 connections",
            "{rate:.2f} ×, {cpu:.2f} ×; {live[megabytes]:.2f} MB each, {live[connections]:.0f} connections",
        ),
        Held(
            "growth",
            "with 10,000 threads: opening one and reading one at most 1.3 × the empty database's; no whole table read",
            "{opening:.2f} ×, {reading:.2f} ×; {whole_tables} plans",
        ),
        Held(
            "growth_recall",
            "with 1M archived pieces of other threads: a recall at most 1.3 × that of an archive without them",
            "first {first:.2f} ×, next {next:.2f} ×, with {pieces:,} pieces",
        ),
    ),
    "MCP and importers": (
        Held(
            "mcp_faults",
            "three tools of a server with 200 cost the tokens of three; calls with faults in 16 of 100: no run is lost",
            "{three_tokens} tokens beside {all_tokens:,}; {calls} calls, {processes_left} processes left",
        ),
        Held(
            "mcp_serving",
            "100 clients at once, of four tenants: every call answered, nothing of another tenant",
            "{calls} calls, {foreign} foreign",
        ),
        Held(
            "importing",
            "1,000 pages of a Notion-like export in under 5 s, and every round trip",
            "{notion[seconds]:.1f} s; {notion[round_trip][same_bytes]} of {notion[round_trip][files]} files back with "
            "the same bytes; a vault in {obsidian[seconds]:.1f} s",
        ),
    ),
}
ROWS: Mapping[str, Held] = {row.benchmark: row for part in HELD.values() for row in part}
"""The same by benchmark."""
