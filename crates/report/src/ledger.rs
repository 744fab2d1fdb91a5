//! What a recording saw and what became of it, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use retake_model::{Ledger, Tally};

use crate::document::LedgerDocument;
use crate::printable::{safe, thousands};
use crate::terminal::style::{BAD, DIM, GOOD, HEAD};

/// The columns, after the name.
const COLUMNS: [&str; 8] = [
    "connections",
    "bytes",
    "seen",
    "kept",
    "merged",
    "sampled",
    "dropped",
    "undecodable",
];

/// The ledger as a table with its reasons, for a terminal. The text has ANSI styles: write it to
/// one of `anstream`'s streams.
pub fn ledger_table(ledger: &Ledger) -> String {
    let rows: Vec<(String, &Tally)> = std::iter::once(("inbound".to_owned(), &ledger.inbound))
        .chain(
            ledger
                .outbound
                .iter()
                .map(|(name, tally)| (safe(name), tally)),
        )
        .collect();
    let cells: Vec<Vec<String>> = rows.iter().map(|(name, tally)| row(name, tally)).collect();
    let mut head = vec![String::new()];
    head.extend(COLUMNS.map(str::to_owned));
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            cells
                .iter()
                .chain([&head])
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    let line = |cells: &[String]| {
        let mut line = String::new();
        for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            if column == 0 {
                let _ = write!(line, "{cell:<width$}");
            } else {
                let _ = write!(line, "  {cell:>width$}");
            }
        }
        line
    };
    let _ = writeln!(out, "{DIM}{}{DIM:#}", line(&head));
    for cells in &cells {
        let _ = writeln!(out, "{}", line(cells));
    }
    for (name, tally) in &rows {
        reasons(&mut out, name, tally);
    }
    for note in &ledger.notes {
        let _ = writeln!(out, "{DIM}note:{DIM:#} {}", safe(note));
    }
    verdict(&mut out, ledger, &rows);
    out
}

/// The ledger as JSON, on one line.
pub fn ledger_json(ledger: &Ledger) -> String {
    serde_json::to_string(&LedgerDocument::from(ledger)).unwrap_or_default()
}

fn row(name: &str, tally: &Tally) -> Vec<String> {
    let sum = |counts: &BTreeMap<String, u64>| counts.values().sum::<u64>();
    let numbers = [
        tally.connections,
        tally.bytes,
        tally.seen,
        tally.kept,
        tally.merged,
        sum(&tally.sampled_out),
        sum(&tally.dropped),
        sum(&tally.undecodable),
    ];
    let mut cells = vec![name.to_owned()];
    cells.extend(numbers.map(thousands));
    cells
}

fn reasons(out: &mut String, name: &str, tally: &Tally) {
    let groups = [
        (
            "connection relayed unread",
            "connections relayed unread",
            &tally.opaque,
        ),
        ("sampled out", "sampled out", &tally.sampled_out),
        ("dropped", "dropped", &tally.dropped),
        ("undecodable", "undecodable", &tally.undecodable),
    ];
    for (one, many, counts) in groups {
        for (reason, count) in counts {
            let what = if *count == 1 { one } else { many };
            let _ = writeln!(
                out,
                "{HEAD}{name}{HEAD:#}: {} {what}: {}",
                thousands(*count),
                safe(reason)
            );
        }
    }
}

fn verdict(out: &mut String, ledger: &Ledger, rows: &[(String, &Tally)]) {
    if ledger.is_complete() {
        let _ = writeln!(
            out,
            "{GOOD}complete{GOOD:#}: everything that was seen is accounted for"
        );
        return;
    }
    let wrong: Vec<&str> = rows
        .iter()
        .filter(|(_, tally)| !tally.is_complete())
        .map(|(name, _)| name.as_str())
        .collect();
    let _ = writeln!(
        out,
        "{BAD}NOT complete{BAD:#}: what was seen is more than what is accounted for ({})",
        wrong.join(", ")
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(styled: &str) -> String {
        anstream::adapter::strip_str(styled).to_string()
    }

    fn tally() -> Tally {
        Tally {
            connections: 12,
            bytes: 1_234_567,
            seen: 1_000,
            kept: 900,
            merged: 60,
            sampled_out: BTreeMap::from([("rule `telemetry`".to_owned(), 30)]),
            dropped: BTreeMap::from([("the queue was full".to_owned(), 4)]),
            undecodable: BTreeMap::from([("EXECUTE of an unseen statement".to_owned(), 6)]),
            opaque: BTreeMap::from([("not HTTP".to_owned(), 1)]),
        }
    }

    #[test]
    fn a_ledger_is_a_table_with_its_reasons() {
        let mut ledger = Ledger {
            outbound: BTreeMap::from([("db".to_owned(), tally())]),
            ..Ledger::default()
        };
        ledger.inbound.connections = 3;
        ledger
            .notes
            .push("recording began with open\u{1b}[2J connections".into());
        insta::assert_snapshot!(plain(&ledger_table(&ledger)));
        assert!(ledger_json(&ledger).starts_with("{\"complete\":true,\"inbound\""));
    }

    #[test]
    fn a_ledger_that_does_not_add_up_says_so() {
        let mut ledger = Ledger::default();
        ledger.inbound.seen = 2;
        ledger.inbound.kept = 1;
        let table = plain(&ledger_table(&ledger));
        assert!(
            table.contains(
                "NOT complete: what was seen is more than what is accounted for (inbound)"
            )
        );
    }
}
