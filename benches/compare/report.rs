//! Figures of turns → medians and ratios, as a table.
//!
//! A ratio is taken within a round, between turns that follow each other, and
//! the median of the rounds is what is printed: a slow minute of the machine
//! changes both sides of it.

use std::io::{self, Write};
use std::time::Duration;

use super::Failure;
use super::load::Turn;
use super::options::Options;
use super::process::Resident;

/// What one turn says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Requests in a second.
    rate: f64,
    /// The median latency, in µs.
    median: f64,
    /// The latency that one request in a hundred exceeds, in µs.
    p99: f64,
    /// Processor time of the process in between for one request, in µs.
    processor: Option<f64>,
    /// Connections that the other side closed.
    closed: usize,
}

impl Figures {
    /// The figures of a turn, in which the process in between used so much.
    #[expect(clippy::cast_precision_loss, reason = "counts of requests are small")]
    pub(crate) fn of(mut turn: Turn, processor: Option<Duration>) -> Self {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        turn.times.sort_unstable();
        let count = turn.times.len();
        let at = |place: usize| turn.times.get(place).copied().map_or(0.0, micros);
        Self {
            rate: count as f64 / turn.time.as_secs_f64(),
            median: at(count / 2),
            p99: at(count * 99 / 100),
            processor: processor.map(|time| micros(time) / count as f64),
            closed: turn.closed,
        }
    }
}

/// The rounds of one way.
pub(crate) type Row = Vec<Figures>;

/// The columns of one comparison: throughput, latency, processor time.
const COMPARED: [fn(&Figures) -> Option<f64>; 3] = [
    |figures| Some(figures.rate),
    |figures| Some(figures.median),
    |figures| figures.processor,
];

/// Prints the names of the columns.
pub(crate) fn head(options: &Options) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} rounds of {} ms each; req/s, median and p99 latency, processor time of the process",
        options.rounds,
        options.time.as_millis()
    )?;
    writeln!(
        out,
        "in between, then throughput, median latency and processor time as ratios: medians.\n"
    )?;
    write!(
        out,
        "{:<10} {:>5}  {:<13} {:>8} {:>8} {:>8} {:>8}",
        "case", "conns", "way", "req/s", "p50 µs", "p99 µs", "CPU µs"
    )?;
    for name in &options.against {
        write!(out, "  | {:<21}", format!("/ {name}"))?;
    }
    Ok(writeln!(out)?)
}

/// Prints a line for each way.
pub(crate) fn rows(
    options: &Options,
    case: &str,
    connections: usize,
    rows: &[Option<Row>],
) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    for (way, row) in options.ways.iter().zip(rows) {
        let Some(row) = row else { continue };
        write!(out, "{case:<10} {connections:>5}  {:<13}", way.name)?;
        let column = |of: fn(&Figures) -> Option<f64>| median(row.iter().filter_map(of));
        for (value, digits) in [
            (column(|figures| Some(figures.rate)), 0),
            (column(|figures| Some(figures.median)), 0),
            (column(|figures| Some(figures.p99)), 0),
            (column(|figures| figures.processor), 1),
        ] {
            write!(out, " {:>8}", number(value, digits))?;
        }
        for name in &options.against {
            let other = options
                .place(name)
                .and_then(|place| rows.get(place)?.as_ref());
            write!(out, "  |")?;
            for of in COMPARED {
                let ratio = other.and_then(|other| ratio(row, other, of));
                write!(out, " {:>6}", number(ratio, 2))?;
            }
        }
        let closed: usize = row.iter().map(|figures| figures.closed).sum();
        if closed > 0 {
            write!(out, "  ({closed} connections closed)")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Prints what was resident before the first request, with idle connections if there
/// were any, and after the last.
pub(crate) fn memory(
    options: &Options,
    idle: &[Option<Resident>],
    with: &[Option<Resident>],
    after: &[Option<Resident>],
) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    write!(out, "\nresident, KiB  {:>10} {:>10}", "idle", "anonymous")?;
    if options.idle > 0 {
        write!(out, " {:>12} {:>10}", options.idle, "anonymous")?;
    }
    writeln!(out, " {:>12} {:>10}", "after load", "anonymous")?;
    for (place, way) in options.ways.iter().enumerate() {
        let of = |figures: &[Option<Resident>]| figures.get(place).copied().flatten();
        let (Some(idle), Some(after)) = (of(idle), of(after)) else {
            continue;
        };
        write!(
            out,
            "{:<14} {:>10} {:>10}",
            way.name, idle.all, idle.anonymous
        )?;
        for figure in [of(with), Some(after)].into_iter().flatten() {
            write!(out, " {:>12} {:>10}", figure.all, figure.anonymous)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Says why there are no figures.
pub(crate) fn complain(failure: &Failure) {
    // Without anybody to tell there is nothing left to do.
    let _ = writeln!(io::stderr(), "compare: {failure}");
}

fn ratio(row: &Row, other: &Row, of: fn(&Figures) -> Option<f64>) -> Option<f64> {
    let pairs = row.iter().zip(other);
    median(pairs.filter_map(|(one, other)| Some(of(one)? / of(other)?)))
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}
