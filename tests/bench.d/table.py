"""One table from the figures of all rounds: medians, ratios to native, bars, and what went wrong."""

import json
import statistics

from rows import RING_NS


def median(figures):
    """The median of the runs that gave a figure, or None."""
    values = [figure.value for figure in figures if figure.value is not None]
    return statistics.median(values) if values else None


def number(value):
    """Three significant digits are more than the noise allows."""
    if value is None:
        return "-"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def verdict(row, native, llano):
    """(ratio to native, whether the bar is met); None where there is nothing to say."""
    if native is None or llano is None:
        return None, None
    ratio = llano / native
    if row.bar is None:
        return ratio, None
    measured = llano if row.absolute else ratio
    return ratio, measured >= row.bar if row.more_is_better else measured <= row.bar


def bar_text(row):
    if row.bar is None:
        return ""
    sign = ">=" if row.more_is_better else "<="
    return f"{sign} {row.bar:,.0f} {row.unit}" if row.absolute else f"{sign} {row.bar:g}"


def ring_text(row, llano, with_ring):
    """What the ring adds to one operation, and whether that is too much."""
    if llano is None or with_ring is None or row.unit != "ns" or not row.calls:
        return "", ""
    added = with_ring - llano
    return f"{added:+.0f} ns", "ok" if added <= RING_NS * row.calls else "MISS"


def missed(rows, figures):
    """The rows whose bar llano misses."""
    def met(row):
        return verdict(row, median(figures[row.name]["native"]), median(figures[row.name].get("llano", [])))[1]
    return [row for row in rows if met(row) is False]


def broken(rows, systems, figures):
    """What could not run natively or under llano, one line each."""
    lines = {f"{row.name}, {system.name}: {figure.problem}": None for row in rows for system in systems
             if system.name.startswith(("native", "llano")) for figure in figures[row.name][system.name] if figure.problem}
    return list(lines)


def render(rows, systems, figures):
    """The table as text. `figures[row.name][system.name]` is a list, one Figure a round."""
    llanos = [system.name for system in systems if system.name.startswith("llano")]
    rest = [system.name for system in systems if system.name not in (*llanos, "native")]
    ring = ["ring adds", ""] if len(llanos) > 1 else []
    header = ["row", "unit", "native", *(word for name in llanos for word in (name, "ratio")), "bar", "", *ring, *rest, "what"]
    lines, problems = [header], {}
    for row in rows:
        medians = {system.name: median(figures[row.name][system.name]) for system in systems}
        cells = [row.name, row.unit, number(medians["native"])]
        for i, name in enumerate(llanos):
            ratio, met = verdict(row, medians["native"], medians[name])
            if i == 0:
                mark = "" if met is None else "ok" if met else "MISS"
            cells += [number(medians[name]), "-" if ratio is None else f"{ratio:.3g}"]
        added = ring_text(row, *(medians[name] for name in llanos)) if ring else ()
        cells += [bar_text(row), mark if llanos else "", *added, *(number(medians[name]) for name in rest), row.what]
        lines.append(cells)
        for system in systems:
            for figure in figures[row.name][system.name]:
                if figure.problem:
                    problems[f"{row.name}, {system.name}: {figure.problem}"] = None
    verdicts = [line[header.index("bar") + 1] for line in lines[1:]]
    score = [f"{verdicts.count('ok')} of {len(verdicts) - verdicts.count('')} bars met"] if llanos else []
    return "\n".join(align(lines) + score + [""] + list(problems)).rstrip()


def align(lines):
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    left = {0, 1, len(widths) - 1}
    return [
        "  ".join(cell.ljust(width) if column in left else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(line, widths))).rstrip()
        for line in lines
    ]


def entries(rows, systems, figures):
    """Every figure of every round, with stable names."""
    found = []
    for row in rows:
        entry = {"row": row.name, "unit": row.unit, "what": row.what, "bar": row.bar,
                 "bar_is_absolute": row.absolute, "systems": {}}
        native = median(figures[row.name]["native"])
        for system in systems:
            runs = figures[row.name][system.name]
            middle = median(runs)
            ratio, met = verdict(row, native, middle)
            entry["systems"][system.name] = {
                "median": middle, "ratio": ratio, "bar_met": met if system.name.startswith("llano") else None,
                "runs": [figure.value for figure in runs],
                "problems": sorted({figure.problem for figure in runs if figure.problem})}
        found.append(entry)
    return found


def write_json(path, rows, machine):
    """One document of all tables."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"machine": machine, "rows": rows}, file, indent=1)
        file.write("\n")
