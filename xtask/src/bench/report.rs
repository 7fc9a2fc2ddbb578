//! What was measured, as a table for people and as JSON for programs.

use std::fmt;

use serde::Serialize;

use super::machine::Machine;

/// One line: what was measured, and what we hold ourselves to.
#[derive(Serialize)]
pub(crate) struct Row {
    what: String,
    unit: Unit,
    /// `None` if it could not be measured; the note says why.
    measured: Option<f64>,
    bound: Option<Bound>,
    verdict: Verdict,
    /// The figures behind it.
    note: String,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Ratio,
    PerSecond,
    Mebibytes,
    Kibibytes,
    Milliseconds,
    Microseconds,
    Count,
}

/// What a figure is held against.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Bound {
    better: Better,
    at_least: f64,
    goal: f64,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Better {
    Higher,
    Lower,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Goal,
    Kept,
    Missed,
    /// Nothing is promised; the figure is for information.
    Reported,
    NotMeasured,
}

impl Bound {
    /// A figure that should be high.
    pub(crate) fn high(at_least: f64, goal: f64) -> Bound {
        let better = Better::Higher;
        Bound {
            better,
            at_least,
            goal,
        }
    }

    /// A figure that should be low: then `at_least` is the most that is accepted.
    pub(crate) fn low(at_most: f64, goal: f64) -> Bound {
        let (better, at_least) = (Better::Lower, at_most);
        Bound {
            better,
            at_least,
            goal,
        }
    }

    fn judge(&self, measured: f64) -> Verdict {
        let reaches = |limit: f64| match self.better {
            Better::Higher => measured >= limit,
            Better::Lower => measured <= limit,
        };
        if reaches(self.goal) {
            Verdict::Goal
        } else if reaches(self.at_least) {
            Verdict::Kept
        } else {
            Verdict::Missed
        }
    }
}

impl Row {
    /// A figure held against a bound.
    pub(crate) fn held(what: &str, unit: Unit, measured: f64, bound: Bound, note: String) -> Row {
        Row {
            what: what.to_owned(),
            unit,
            measured: Some(measured),
            bound: Some(bound),
            verdict: bound.judge(measured),
            note,
        }
    }

    /// A figure about which nothing is promised.
    pub(crate) fn reported(what: &str, unit: Unit, measured: f64, note: String) -> Row {
        Row {
            what: what.to_owned(),
            unit,
            measured: Some(measured),
            bound: None,
            verdict: Verdict::Reported,
            note,
        }
    }

    /// A figure that is owed, and why it is not there.
    pub(crate) fn not_measured(what: &str, unit: Unit, bound: Option<Bound>, why: String) -> Row {
        Row {
            what: what.to_owned(),
            unit,
            measured: None,
            bound,
            verdict: Verdict::NotMeasured,
            note: why,
        }
    }
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Unit::Ratio => format!("{figure:.2} x"),
            Unit::PerSecond => format!("{}/s", thousands(figure)),
            Unit::Mebibytes => format!("{figure:.1} MiB"),
            Unit::Kibibytes => format!("{figure:.1} KiB"),
            Unit::Milliseconds => format!("{figure:.3} ms"),
            Unit::Microseconds => format!("{figure:.2} µs"),
            Unit::Count => thousands(figure),
        }
    }
}

/// A whole number with a comma after every three digits.
pub(crate) fn thousands(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Verdict::Goal => "goal",
            Verdict::Kept => "kept",
            Verdict::Missed => "MISSED",
            Verdict::Reported => "-",
            Verdict::NotMeasured => "not measured",
        })
    }
}

impl Row {
    /// What stands in the columns of a table: what, measured, at least, goal, verdict, note.
    pub(crate) fn cells(&self) -> [String; 6] {
        let show =
            |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), |figure| self.unit.show(figure));
        [
            self.what.clone(),
            show(self.measured),
            show(self.bound.map(|bound| bound.at_least)),
            show(self.bound.map(|bound| bound.goal)),
            self.verdict.to_string(),
            self.note.clone(),
        ]
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [what, measured, at_least, goal, verdict, note] = self.cells();
        writeln!(
            formatter,
            "{what:<60} {measured:>12} {at_least:>12} {goal:>12}  {verdict}"
        )?;
        writeln!(formatter, "    {note}")
    }
}

/// Everything that one run measured, and under which circumstances.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) tiro: &'static str,
    pub(crate) machine: Machine,
    pub(crate) quick: bool,
    /// Where the messages come from.
    pub(crate) texts: String,
    pub(crate) groups: Vec<GroupReport>,
}

/// The rows of one group.
#[derive(Serialize)]
pub(crate) struct GroupReport {
    /// The group's name on the command line.
    pub(crate) group: String,
    pub(crate) rows: Vec<Row>,
}

/// A table for a terminal.
impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}; {}", self.machine, self.texts)?;
        let (what, measured, at_least, goal) = ("what", "measured", "at least", "goal");
        writeln!(formatter, "{what:<60} {measured:>12} {at_least:>12} {goal:>12}")?;
        self.groups
            .iter()
            .flat_map(|group| &group.rows)
            .try_for_each(|row| row.fmt(formatter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_judged_in_the_direction_that_is_better() {
        let (high, low) = (Bound::high(0.4, 0.6), Bound::low(30.0, 15.0));
        assert_eq!(
            [0.6, 0.5, 0.3].map(|figure| high.judge(figure)),
            [Verdict::Goal, Verdict::Kept, Verdict::Missed]
        );
        assert_eq!(
            [15.0, 20.0, 31.0].map(|figure| low.judge(figure)),
            [Verdict::Goal, Verdict::Kept, Verdict::Missed]
        );
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(thousands(1_234_567.4), "1,234,567");
        assert_eq!(thousands(999.0), "999");
    }
}
