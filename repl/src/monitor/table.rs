//! Rows and columns, as aligned text or as a JSON array of objects.

use llano_trace::json;

/// A value in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A count.
    Count(u64),
    /// A number that may be negative.
    Integer(i64),
    /// Nanoseconds: milliseconds for people, a number of nanoseconds in JSON.
    Nanos(u64),
    /// A point in time in nanoseconds: seconds for people, a number of nanoseconds in JSON.
    Seconds(u64),
    /// Bytes: with a unit for people, a number in JSON.
    Bytes(u64),
    /// An address: hexadecimal, a string in JSON, where numbers lose bits.
    Address(u64),
    /// A word for people if it is so, true or false in JSON.
    Flag(bool, &'static str),
    /// Nothing: `-`, or null.
    None,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.into())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Cell::Text(text) => text.chars().map(|c| if c.is_control() { '?' } else { c }).collect(),
            Cell::Count(n) => n.to_string(),
            Cell::Integer(n) => n.to_string(),
            Cell::Nanos(ns) => format!("{}.{:03}", ns / 1_000_000, ns / 1000 % 1000),
            Cell::Seconds(ns) => format!("{}.{:06}", ns / 1_000_000_000, ns / 1000 % 1_000_000),
            Cell::Bytes(n) => bytes(*n),
            Cell::Address(at) => format!("{at:#x}"),
            Cell::Flag(on, word) => if *on { *word } else { "" }.into(),
            Cell::None => "-".into(),
        }
    }

    fn json(&self, out: &mut String) {
        match self {
            Cell::Text(text) => json::string(out, text),
            Cell::Count(n) | Cell::Nanos(n) | Cell::Seconds(n) | Cell::Bytes(n) => {
                out.push_str(&n.to_string())
            }
            Cell::Integer(n) => out.push_str(&n.to_string()),
            Cell::Address(at) => json::string(out, &format!("{at:#x}")),
            Cell::Flag(on, _) => out.push_str(if *on { "true" } else { "false" }),
            Cell::None => out.push_str("null"),
        }
    }

    fn is_text(&self) -> bool {
        matches!(self, Cell::Text(_) | Cell::Flag(..) | Cell::None)
    }
}

/// Bytes with a unit: `512`, `12K`, `3.4M`.
pub fn bytes(n: u64) -> String {
    const UNITS: [(u32, char); 4] = [(40, 'T'), (30, 'G'), (20, 'M'), (10, 'K')];
    for (shift, unit) in UNITS {
        if n >> shift > 0 {
            let tenths = ((u128::from(n) * 10) >> shift) as u64;
            return if tenths < 100 {
                format!("{}.{}{unit}", tenths / 10, tenths % 10)
            } else {
                format!("{}{unit}", tenths / 10)
            };
        }
    }
    n.to_string()
}

/// A column: its heading for people, its name in JSON.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// For people.
    pub heading: &'static str,
    /// In JSON; stable.
    pub name: &'static str,
}

/// A column.
pub const fn column(heading: &'static str, name: &'static str) -> Column {
    Column { heading, name }
}

/// A table; every row has a cell for each column.
#[derive(Debug)]
pub struct Table {
    columns: &'static [Column],
    rows: Vec<Vec<Cell>>,
    note: String,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: &'static [Column]) -> Table {
        Table { columns, rows: Vec::new(), note: String::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A sentence below the table, for people only.
    pub fn note(&mut self, text: impl Into<String>) {
        self.note = text.into();
    }

    /// Aligned text: numbers to the right, words to the left, the last column as wide as it is.
    pub fn text(&self) -> String {
        let cells: Vec<Vec<String>> = self.rows.iter().map(|r| r.iter().map(Cell::text).collect()).collect();
        let right = |i: usize| self.rows.first().is_some_and(|_| !self.rows.iter().all(|r| r[i].is_text()));
        let width = |i: usize| {
            let widest = cells.iter().map(|r| r[i].chars().count()).max().unwrap_or(0);
            widest.max(self.columns[i].heading.len())
        };
        let layout: Vec<(usize, bool)> = (0..self.columns.len()).map(|i| (width(i), right(i))).collect();
        let mut out = String::new();
        let mut line = |words: &mut dyn Iterator<Item = &str>| {
            let mut text = String::new();
            for (word, (width, right)) in words.zip(&layout) {
                let pad = " ".repeat(width - word.chars().count());
                let (before, after) = if *right { (pad.as_str(), "") } else { ("", pad.as_str()) };
                text.push_str(&format!("{before}{word}{after}  "));
            }
            out.push_str(text.trim_end());
            out.push('\n');
        };
        line(&mut self.columns.iter().map(|c| c.heading));
        for row in &cells {
            line(&mut row.iter().map(String::as_str));
        }
        if !self.note.is_empty() {
            out.push_str(&format!("{}\n", self.note));
        }
        out
    }

    /// A JSON array of objects, on one line.
    pub fn json(&self) -> String {
        let mut out = String::from("[");
        for (i, row) in self.rows.iter().enumerate() {
            out.push_str(if i == 0 { "{" } else { ",{" });
            for (j, (cell, column)) in row.iter().zip(self.columns).enumerate() {
                out.push_str(if j == 0 { "" } else { "," });
                json::string(&mut out, column.name);
                out.push(':');
                cell.json(&mut out);
            }
            out.push('}');
        }
        out.push(']');
        out
    }
}

/// One thing and what is known of it; a line each for people, a JSON object for programs.
#[derive(Debug, Default)]
pub struct Record(Vec<(&'static str, &'static str, Cell)>);

impl Record {
    /// Adds a value: its heading for people, its name in JSON.
    pub fn add(&mut self, heading: &'static str, name: &'static str, value: Cell) {
        self.0.push((heading, name, value));
    }

    /// Aligned text.
    pub fn text(&self) -> String {
        let width = self.0.iter().map(|(heading, ..)| heading.len()).max().unwrap_or(0);
        let line =
            |(heading, _, value): &(&str, &str, Cell)| format!("{heading:<width$}  {}\n", value.text());
        self.0.iter().map(line).collect()
    }

    /// A JSON object, on one line.
    pub fn json(&self) -> String {
        let mut out = String::from("{");
        for (i, (_, name, value)) in self.0.iter().enumerate() {
            out.push_str(if i == 0 { "" } else { "," });
            json::string(&mut out, name);
            out.push(':');
            value.json(&mut out);
        }
        out.push('}');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_words_left() {
        const COLUMNS: [Column; 3] = [column("tid", "tid"), column("name", "comm"), column("size", "bytes")];
        let mut table = Table::new(&COLUMNS);
        table.row(vec![Cell::Count(1), "sh".into(), Cell::Bytes(1536)]);
        table.row(vec![Cell::Count(20), "a\tb\"".into(), Cell::None]);
        assert_eq!(table.text(), "tid  name  size\n  1  sh    1.5K\n 20  a?b\"     -\n");
        assert_eq!(
            table.json(),
            r#"[{"tid":1,"comm":"sh","bytes":1536},{"tid":20,"comm":"a\tb\"","bytes":null}]"#
        );
    }

    #[test]
    fn units() {
        assert_eq!([0, 1023, 1024, 10 << 20, 5 << 39].map(bytes), ["0", "1023", "1.0K", "10M", "2.5T"]);
    }
}
