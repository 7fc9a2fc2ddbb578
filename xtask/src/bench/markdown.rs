//! The tables of a document: between two marks for each group stands what the last run measured, never typed.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use super::report::{GroupReport, Report};

/// Puts what each group measured between its marks.
///
/// # Errors
/// The document has no place for a group; then it stays as it is.
pub(crate) fn write(file: &Path, report: &Report) -> anyhow::Result<()> {
    let mut text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    for group in &report.groups {
        text = placed(&text, report, group).with_context(|| file.display().to_string())?;
    }
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Checks, before hours are spent on measuring, that the document has a place for every group.
pub(crate) fn check(file: &Path, groups: &[String]) -> anyhow::Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    for group in groups {
        place(&text, group).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

fn placed(text: &str, report: &Report, group: &GroupReport) -> anyhow::Result<String> {
    let (begin, end) = place(text, &group.group)?;
    Ok(format!(
        "{}{}{}",
        &text[..begin],
        table(report, group),
        &text[end..]
    ))
}

/// Where a group's section begins, behind its first mark, and ends, before its second.
fn place(text: &str, group: &str) -> anyhow::Result<(usize, usize)> {
    let (first, last) = (
        format!("<!-- bench {group} -->\n"),
        format!("<!-- end {group} -->"),
    );
    let begin = text.find(&first).map(|at| at + first.len());
    let end = text.find(&last);
    match (begin, end) {
        (Some(begin), Some(end)) if begin <= end => Ok((begin, end)),
        _ => bail!("no place between `{}` and `{last}`", first.trim_end()),
    }
}

fn table(report: &Report, group: &GroupReport) -> String {
    let (quick, warning) = if report.quick {
        (
            "--quick ",
            ", **a quick run: it shows that the measurement works and proves nothing**",
        )
    } else {
        ("", "")
    };
    let mut text = format!(
        "\n`cargo xtask bench {quick}{}`{warning}; {}; {}.\n\n\
         | what | measured | at least | goal | | behind it |\n|---|---:|---:|---:|---|---|\n",
        group.group, report.machine, report.texts
    );
    for row in &group.rows {
        let cells = row.cells().map(|cell| cell.replace('|', "\\|"));
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::machine::Machine;
    use crate::bench::report::{Bound, Row, Unit};

    #[test]
    fn a_section_replaces_what_stood_between_its_marks_and_nothing_else() {
        let row = Row::held("a|b", Unit::Ratio, 0.5, Bound::high(0.4, 0.6), "why".to_owned());
        let group = GroupReport {
            group: "disk".to_owned(),
            rows: vec![row],
        };
        let report = Report {
            tiro: "0",
            machine: Machine::here().unwrap(),
            quick: true,
            texts: "texts".to_owned(),
            groups: Vec::new(),
        };
        let document =
            "before\n<!-- bench disk -->\nold\n<!-- end disk -->\n<!-- bench idle -->\n<!-- end idle -->\n";
        let once = placed(document, &report, &group).unwrap();
        let head = "before\n<!-- bench disk -->\n\n`cargo xtask bench --quick disk`, **a quick run";
        assert!(once.starts_with(head), "{once}");
        let line = "| a\\|b | 0.50 x | 0.40 x | 0.60 x | kept | why |\n";
        assert!(once.contains(line), "{once}");
        assert!(!once.contains("old"));
        assert!(once.ends_with("<!-- end disk -->\n<!-- bench idle -->\n<!-- end idle -->\n"));
        assert_eq!(placed(&once, &report, &group).unwrap(), once);
        let missing = place(document, "creates").unwrap_err();
        assert!(missing.to_string().contains("bench creates"));
    }
}
