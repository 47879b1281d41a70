//! Every case and number of connections, every way in turns: A B C A B C …, so
//! that whatever else the machine does falls on all of them alike.

use super::Failure;
use super::load::{Case, Load};
use super::options::{Options, Way};
use super::process::{self, Resident};
use super::report::{self, Figures, Row};

/// Measures and prints.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let load = Load::new()?;
    let idle = memory(options)?;
    let with = waiting(&load, options)?;
    report::head(options)?;
    for case in &options.cases {
        for &connections in &options.connections {
            let rows = rows(&load, options, case, connections)?;
            report::rows(options, case.name, connections, &rows)?;
        }
    }
    if options.anew {
        // It says something of gates that have served nobody yet.
        return Ok(());
    }
    report::memory(options, &idle, &with, &memory(options)?)
}

/// A row for each way; the ways that cannot answer have none.
fn rows(
    load: &Load,
    options: &Options,
    case: &Case,
    connections: usize,
) -> Result<Vec<Option<Row>>, Failure> {
    let answers = |way: &Way| way.judges_bodies() || !case.needs_body;
    let mut rows: Vec<Option<Row>> = options
        .ways
        .iter()
        .map(|way| answers(way).then(Row::default))
        .collect();
    for _ in 0..options.rounds {
        for (way, row) in options.ways.iter().zip(&mut rows) {
            if let Some(row) = row {
                row.push(figures(load, options, way, case, connections)?);
            }
        }
    }
    Ok(rows)
}

fn figures(
    load: &Load,
    options: &Options,
    way: &Way,
    case: &Case,
    connections: usize,
) -> Result<Figures, Failure> {
    let used = || way.pid.map(process::processor_time).transpose();
    let before = used()?;
    let turn = load
        .turn(&way.door, case, connections, options.time, options.anew)
        .map_err(|failure| format!("{}, {}: {failure}", way.name, case.name))?;
    let after = used()?;
    let processor = before
        .zip(after)
        .map(|(before, after)| after.saturating_sub(before));
    Ok(Figures::of(turn, processor))
}

fn memory(options: &Options) -> Result<Vec<Option<Resident>>, Failure> {
    options
        .ways
        .iter()
        .map(|way| way.pid.map(process::resident).transpose())
        .collect()
}

/// What is resident with idle connections, if that is asked for.
fn waiting(load: &Load, options: &Options) -> Result<Vec<Option<Resident>>, Failure> {
    let [case, ..] = options.cases[..] else {
        return Ok(Vec::new());
    };
    let each = options.ways.iter().map(|way| match way.pid {
        Some(pid) if options.idle > 0 => load
            .idle(&way.door, case, options.idle, || process::resident(pid))?
            .map(Some),
        _ => Ok(None),
    });
    each.collect()
}
