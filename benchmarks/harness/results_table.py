"""Makes the table of docs/benchmarks.md from the JSON files of the results: it is never typed by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
Row = tuple[str, str, str]


def _ingest(found: Any) -> list[Row]:
    where = f"QoS {found['qos']}, {found['store']}"
    costs = f"{found['cpu_us_per_message']} µs, {found['floor_cpu_us_per_message']} µs"
    ratio = f"{found['ratio_to_floor']} x ({costs})"
    return [
        (f"CPU a message against mosquitto_sub, {where}", ratio, f"<= {found['must']['ratio_to_floor']} x"),
        (
            f"Messages/s, {where}",
            f"{found['messages_per_second']:,}",
            _at_least(found, "messages_per_second"),
        ),
        (f"Lost, stored twice, {where}", f"{found['lost']}, {found['duplicated']}", "0, 0"),
    ]


def _at_least(found: Any, name: str) -> str:
    must = found["must"].get(name)
    return f">= {must:,}" if must else ""


def _latency(found: Any) -> list[Row]:
    rows = []
    for each in found["rates"]:
        for what in ("durable", "acknowledged"):
            took = each[f"publish_to_{what}_ms"]
            shown = f"{took['p50']}, {took['p99']}, {took['p99_9']} ms"
            rate = f"{each['messages_per_second']:,} messages/s"
            rows.append((f"Publish to {what}, p50, p99, p99.9, at {rate}", shown, ""))
    return rows


def _in_flight(found: Any) -> list[Row]:
    window, rate, strict = found["in_flight"], found["messages_per_second"], found["strict"]
    early = f"{found['acknowledged_not_stored']}, {strict['acknowledged_not_stored']}"
    return [
        (
            f"Messages/s with {window} in flight, mosquitto",
            f"{rate:,}",
            _at_least(found, "messages_per_second"),
        ),
        (f"The same, broker that keeps to {window}", f"{strict['messages_per_second']:,}", ""),
        ("Acknowledged before they were durable, both", early, "0, 0"),
    ]


def _growth(found: Any) -> list[Row]:
    must = f"<= {found['must']['growth_exponent']}"
    rows = []
    for what in ("devices", "signals"):
        costs = ", ".join(f"{point['size']:,}: {point['cpu_us_per_message']}" for point in found[what])
        rows.append(
            (f"Growth with {what} ({costs} µs)", f"exponent {found[f'growth_exponent_{what}']}", must)
        )
    return rows


def _store(found: Any) -> list[Row]:
    rows = []
    for name, must in found["must_us"].items():
        writes, reads = found[name]["write_us_a_row"], found[name]["read_ms"]
        for series, cost in writes.items():
            limit = f"<= {must} µs" if series == "in_order" else ""
            shown = f"{cost['cpu']} µs" + (f", server {cost['server_cpu']} µs" if cost["server_cpu"] else "")
            rows.append((f"{name}: write a row, {series.replace('_', ' ')}, CPU", shown, limit))
        for series, cost in reads.items():
            rows.append(
                (f"{name}: {series.replace('_', ' ')}, CPU and wall", f"{cost['cpu']}, {cost['wall']} ms", "")
            )
    return rows


def _endurance(found: Any) -> list[Row]:
    what = f"Growth of memory over {found['messages']:,} messages, QoS {found['qos']}"
    shown = f"{found['growth_mb']} MB, from {found['rss_after_tenth_mb']} MB"
    return [(what, shown, f"<= {found['allowed_growth_mb']} MB")]


def _crash(found: Any) -> list[Row]:
    restarts, rate = found["broker_restarts"], found["messages_per_second"]
    done = f"{found['kills']} kills, {restarts} broker restarts, {rate:,}/s"
    extra = [phase["what"] for phase in found["phases"] if "away" in phase["what"] or "full" in phase["what"]]
    what = f"{found['store']}: {'; '.join([done, *extra])}"
    shown = f"{found['published']:,} published, {found['lost']} lost, {found['duplicated']} twice"
    return [(what, shown, "0 lost, 0 twice")]


def _access(found: Any) -> list[Row]:
    rows = [
        ("What the permission check adds to a request", f"{found['check_ms']} ms", "<= 0.2 ms"),
        ("Signing in, CPU", f"{found['sign_in_ms']} ms", "<= 300 ms"),
    ]
    imported = found["import_cpu_s_100000"]
    if imported is not None:
        rows.append(("100,000 devices imported with credentials, CPU", f"{imported} s", "<= 60 s"))
    return rows


def _followers(found: Any) -> list[Row]:
    must, one = found["must"], found["one_process"]
    shown = f"{found['events']:,} events, {found['lost']} lost, {found['handled_twice']} handled twice"
    rate = f"{one['readings_per_second']:,} readings/s"
    p99, most = found["alert_to_ticket_p99_ms"], must["alert_to_ticket_p99_ms"]
    rows = [
        (f"Followers killed {found['kills']} times", shown, "0 lost, 0 twice"),
        (f"Alert committed to ticket readable, p99, one process, {rate}", f"{p99} ms", f"<= {most:.0f} ms"),
    ]
    if "across_processes_p99_ms" in found:
        p99, most = found["across_processes_p99_ms"], must["across_processes_p99_ms"]
        rows.append(("The same across processes, PostgreSQL", f"{p99} ms", f"<= {most:.0f} ms"))
    what = f"Commit while a follower sleeps {found['sleeper_s']:.0f} s, against without"
    return [*rows, (what, f"{found['commit_ratio_asleep']} x", "")]


def _notices(found: Any) -> list[Row]:
    shown = f"{found['notices']:,} notices, {found['lost']} lost, {found['doubled']} doubled"
    others = f"{found['under_other_keys']} under another key"
    return [
        (f"The sender of notices killed {found['kills']} times", f"{shown}, {others}", "0 lost, 0 other keys")
    ]


def _indicators(found: Any) -> list[Row]:
    figures, cases = f"{found['figures']:,}", f"{found['cases']:,}"
    must = found["must"]["month_all_cpu_s"]
    return [
        (
            f"{figures} figures of {cases} cases against the log of events",
            f"{found['differ']} differ",
            "0 differ",
        ),
        (
            f"The indicators of a month of {found['month_cases']:,} cases, CPU",
            f"{found['month_all_cpu_s']} s",
            f"<= {must:g} s",
        ),
    ]


def _desk_crash(found: Any) -> list[Row]:
    what = f"The desk killed {found['kills']} times, its clock moved an hour {found['clock_jumps']} times"
    shown = f"{found['tickets']:,} cases, {found['clock_steps_told']:,} steps of clocks"
    wrong = sum(found["wrong"].values())
    return [(what, f"{shown}, {wrong} wrong", "0 half, missed or doubled")]


def _stock_crash(found: Any) -> list[Row]:
    between, both = found["ended"]["between"], found["ended"]["both"]
    what = (
        f"Stock whose processes were killed {found['kills']} times, {between} of them between an assignment "
        f"and its reservations, {both} after both and before the commit"
    )
    shown = f"{found['assigned']:,} assignments, {found['movements']:,} movements"
    wrong = sum(found["wrong"].values())
    return [(what, f"{shown}, {wrong} wrong", "0 half, short or not adding up")]


def _reports(found: Any) -> list[Row]:
    first, after = found["report_first_cpu_s"], found["report_cpu_s"]
    return [("A service report as PDF, CPU: the first, each after", f"{first} s, {after} s", "<= 2 s")]


def _clocks(found: Any) -> list[Row]:
    clocks, cases = f"{found['clocks']:,}", f"{found['cases']:,}"
    wrong = f"{len(found['wrong'])} kinds of difference" if found["wrong"] else "0 differ"
    recount = f"<= {found['must']['stored_recounted_cpu_s']:g} s"
    return [
        (f"{clocks} clocks of {cases} cases against counting minute by minute", wrong, "0 differ"),
        (
            f"Another calendar for {found['stored']:,} open cases in SQLite, CPU",
            f"{found['stored_recounted_cpu_s']} s",
            recount,
        ),
    ]


def _storm(found: Any) -> list[Row]:
    counted = f"{found['incidents']}, {found['most_notices_per_person_and_incident']}"
    told = f"{found['real_faults_told']} of {found['real_faults']}, {found['told_after_s']['p99']} s"
    where = f"{found['devices']:,} devices"
    return [
        (f"Storm of {where}: incidents, notices of one a person", counted, f"{found['causes']}, 1"),
        ("Real faults in it that were told in time, p99", told, "all"),
        ("Publish to alert in it, p99", f"{found['alert_p99_ms']} ms", "<= 2,000 ms"),
        (
            "Pages in it, p99, and peak memory",
            f"{found['page_ms']['p99']} ms, {found['peak_rss_mb']:,} MB",
            "",
        ),
    ]


def _alert_latency(found: Any) -> list[Row]:
    rows = []
    for each in found["runs"]:
        where = f"{found['messages_per_second']:,} messages/s, the mail server {each['mail_server']}s"
        alert, acknowledged = each["publish_to_alert_ms"], each["publish_to_acknowledged_ms"]
        must = f"<= {found['must_p99_ms']:.0f} ms"
        rows.append(
            (f"Publish to alert on the log, p50, p99, {where}", f"{alert['p50']}, {alert['p99']} ms", must)
        )
        rows.append(("The same to acknowledged", f"{acknowledged['p50']}, {acknowledged['p99']} ms", ""))
        stood = ", ".join(f"{ms:,}" for ms in each["slowest_sync_ms"])
        rows.append(("The slowest write of one page to the same disk meanwhile, by round", f"{stood} ms", ""))
    return rows


def _rubbish(found: Any) -> list[Row]:
    strangers = [one["slowdown"] for one in found["kinds"] if one["rubbish"] == "strangers"]
    return [
        (
            f"CPU of others' messages beside a device that sends rubbish (worst: {found['worst']})",
            f"{found['slowdown']} x",
            f"<= {found['must']['slowdown']} x",
        ),
        *(("The same, a new device with each rubbish", f"{slowdown} x", "") for slowdown in strangers),
    ]


def _fuzz(found: Any) -> list[Row]:
    what = f"Fuzzed messages accounted for, of {found['messages']:,}"
    grown = f"memory {found['rss_growth_mb']:+} MB in the second half"
    shown = f"{found['accounted']:,}, {len(found['wrong'])} wrong, {grown}"
    return [(what, shown, "all, 0 wrong, <= +64 MB")]


def _numbers(found: Any, name: str) -> list[float]:
    if isinstance(found, dict):
        own = [float(found[name])] if isinstance(found.get(name), int | float) else []
        return own + [number for value in found.values() for number in _numbers(value, name)]
    return [number for value in found for number in _numbers(value, name)] if isinstance(found, list) else []


def _backtest(found: Any) -> list[Row]:
    what = f"{found['devices']:,} devices x {found['days']} days, a reading every {found['every_s']} s"
    busy = found["rules"]["every_day"]
    return [
        (f"Backtest of one rule, {what}, CPU", f"{found['cpu_s']} s", f"<= {found['must_cpu_s']} s"),
        (f"The same where it raises {busy['alerts']:,} alerts", f"{busy['cpu_s']} s", ""),
    ]


def _dispatch(found: Any) -> list[Row]:
    must, day, large, churn = found["must"], found["day"], found["large"], found["churn"]
    others = ", ".join(f"{name} {each['travel_s']:,} s" for name, each in found["planners"].items())
    rows = [
        (
            f"Plan of {each['cases']:,} cases, {each['engineers']} engineers ({each['solver']}), CPU",
            f"{each['cpu_s']} s, {each['undone']} undone, {each['wrong']} wrong",
            f"<= {most} s",
        )
        for each, most in (
            (day["first"], must["first_s"]),
            (day["final"], must["final_s"]),
            (large, must["large_s"]),
        )
    ]
    return [
        *rows,
        ("The same, travel by planner", others, ""),
        ("What we add to the solver's own CPU, most", f"{found['ours_share']}", f"<= {must['ours_share']}"),
        (
            "A day with 20 % late cases, two sick engineers: told anew, travel above planning freely",
            f"{churn['told_anew_share']}, {churn['more_travel']}; {churn['held_moved']} held jobs moved",
            f"<= {must['told_anew_share']}, {must['more_travel']}; 0",
        ),
    ]


def _service(found: Any) -> list[Row]:
    size, seeds = found["size"], len(found["seeds"])
    year = f"{size['robots']:,} robots, {size['engineers']} engineers, {size['days']} days, seeds: {seeds}"
    rows = [(f"Simulated year ({year}), policies a, b, c, d: `{name}`", _policies(found, name), "")
            for name in next(iter(found["policies"].values()))]  # fmt: skip
    return rows + [
        (f"The same, policy d: `{name}`", f"{row['reached']:g}", f"{row['must']:g}")
        for name, row in found["targets"].items()
    ]


def _policies(found: Any, name: str) -> str:
    return ", ".join(f"{figures[name]['mean']:.4g}" for figures in found["policies"].values())


def _alerts(found: Any) -> list[Row]:
    must = f"<= {found['must_us']} µs"
    rows = [
        (
            f"{found['rules']} rules over a reading, {name} fleet",
            f"{found[name]['cpu_us_per_reading']} µs",
            must,
        )
        for name in ("calm", "ordinary")
    ]
    many = found.get("open_alerts")
    if many is None:
        return rows
    costs = ", ".join(f"{many[f'cpu_s_{count}']} s" for count in (1_000, 10_000, 100_000))
    return [
        *rows,
        (
            f"1,000, 10,000, 100,000 open alerts: a reading each and a tick ({costs})",
            f"exponent {many['growth_exponent']}; of the larger two {many['growth_exponent_larger_two']}",
            "<= 1.05",
        ),
        ("Memory with 100,000 open alerts", f"{many['peak_rss_mb']} MB", "<= 500 MB"),
    ]


def _scoring(found: Any) -> list[Row]:
    must, rows = found["must"], []
    for each in found["sizes"]:
        what = f"One scoring pass over {each['devices']:,} devices, {each['faults']} faults, CPU"
        shown = f"{each['cpu_s']} s, on a day's first {each['cpu_s_most']} s"
        large = each["devices"] == 100_000
        rows.append((what, shown, f"<= {must['cpu_s_at_100000']:g} s" if large else ""))
        rows.append(("The same, a hundredth of them has news", f"{each['cpu_s_a_hundredth']} s", ""))
        rows.append(("Its peak memory", f"{each['rss_mb']:,} MB", f"<= {must['rss_mb']:,.0f} MB"))
    limit = f"<= {must['growth_exponent']}"
    return [*rows, ("Growth of a scoring pass with devices", f"exponent {found['growth_exponent']}", limit)]


def _training(found: Any) -> list[Row]:
    what = f"Training on {found['devices']:,} devices x {found['days']} days of tiles"
    must = found["must"]
    of = f"{found['models']} models of {found['rows']:,} rows"
    shown = f"{found['seconds']} s, {found['rss_mb']:,} MB, {of}"
    return [(what, shown, f"<= {must['seconds']:.0f} s, <= {must['rss_mb']:,.0f} MB")]


def _lists(found: Any) -> list[Row]:
    what = f"{found['devices']:,} devices and {found['customers']:,} customers imported from CSV"
    again = found["events_after_again"] - found["events_after_import"]
    return [
        (f"{what}, SQLite, CPU", f"{found['import_cpu_s']} s", f"<= {found['must']['import_cpu_s']:g} s"),
        ("The same files again", f"{found['again_cpu_s']} s, {again} changes", "0 changes"),
    ]


def _foreign_fleet(found: Any) -> list[Row]:
    figures = [f"{found[name]['mean']} ± {found[name]['sd']}" for name in ("roc_auc", "roc_auc_z_score")]
    what = f"ROC-AUC over {len(found['fleets'])} fleets of unknown make, and a z-score's"
    return [(what, ", ".join(figures), f"{found['must_margin']} apart")]


def _foreign_tickets(found: Any) -> list[Row]:
    what = f"Tickets of 300 robots of unknown make in 75 days without a label ({len(found['fleets'])} fleets)"
    return [
        (what, f"{found['tickets_of_300']:g}", "<= 120"),
        ("Right within 14 days or in progress", f"{found['right']:.0%}", ">= 40 %"),
        ("Warnable failures foreseen a day ahead", f"{found['foreseen']:.0%}", ">= 45 %"),
        ("Part pointed at rightly among the right ones", f"{found['part']:.0%}", ">= 60 %"),
    ]


def _rollout(found: Any) -> list[Row]:
    must, runs = found["must"], found["runs"]
    worse, equal = found["stopped_worse_of_100"], found["stopped_equal_of_100"]
    pooled = found["stopped_equal_by_pooled_rates_of_100"]
    return [
        (
            f"Worse firmware stopped in the first cohort that can show it, of 100 ({runs} fleets)",
            f"{worse:g}",
            f">= {must['stopped_worse_of_100']}",
        ),
        (
            "Equal firmware stopped, of 100; by a test that takes devices as alike",
            f"{equal:g}; {pooled:g}",
            f"<= {must['stopped_equal_of_100']}",
        ),
    ]


_ROWS: dict[str, Callable[[Any], list[Row]]] = {
    "ingest": _ingest,
    "latency": _latency,
    "in_flight": _in_flight,
    "growth": _growth,
    "store": _store,
    "rubbish": _rubbish,
    "fuzz": _fuzz,
    "alerts": _alerts,
    "backtest": _backtest,
    "dispatch": _dispatch,
    "service": _service,
    "notices": _notices,
    "storm": _storm,
    "clocks": _clocks,
    "lists": _lists,
    "indicators": _indicators,
    "reports": _reports,
    "desk_crash": _desk_crash,
    "stock_crash": _stock_crash,
    "alert_latency": _alert_latency,
    "endurance": _endurance,
    "crash": _crash,
    "access": _access,
    "followers": _followers,
    "training": _training,
    "scoring": _scoring,
    "rollout": _rollout,
    "foreign_fleet": _foreign_fleet,
    "foreign_tickets": _foreign_tickets,
}


def rows_of(name: str, found: Any) -> list[Row]:
    """Return what one result says: what was measured, the figure, what it must be; none if unknown."""
    make = _ROWS.get(name.partition("-")[0])
    return make(found) if make else []


def table(results: Path) -> str:
    """Return the table of all results in a folder, in Markdown."""
    lines = ["| what | figure | must | load average |", "|---|---|---|---|"]
    for file in sorted(results.glob("*.json")):
        found = json.loads(file.read_text(encoding="utf-8"))
        load = next(iter(_numbers(found, "load_average")), None)
        shown = "" if load is None else f"{load:.1f}"
        lines += [
            f"| {what} | {figure} | {must} | {shown} |" for what, figure, must in rows_of(file.stem, found)
        ]
    return "\n".join(lines)


def update_page(page: Path, results: Path) -> None:
    """Put the table between its two marks on the page. Raises ValueError where they are missing."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page.name} must hold {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{table(results)}\n{END}{after}", encoding="utf-8")
