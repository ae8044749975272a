//! Figures as pictures (SVG).

use std::error::Error as StdError;
use std::ops::Range;
use std::path::Path;

use plotters::prelude::*;

use super::report::{Run, medians};
use super::scenario::Scenario;
use crate::error::{Error, Result};

const SIZE: (u32, u32) = (900, 480);
const FONT: &str = "sans-serif";

/// One line of a plot.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// What a plot shows; both axes are logarithmic.
pub(super) struct Lines<'a> {
    pub(super) title: &'a str,
    pub(super) x: &'a str,
    pub(super) y: &'a str,
    pub(super) each: Vec<Line>,
}

/// Plots the cost of each scenario, and the distribution of its latencies.
pub(super) fn runs(folder: &Path, runs: &[Run]) -> Result<()> {
    if runs.is_empty() {
        return Ok(());
    }
    let medians = medians(runs);
    costs(&folder.join("cost.svg"), &medians).map_err(failed)?;
    let mut scenarios: Vec<Scenario> = medians.iter().map(|run| run.scenario).collect();
    scenarios.dedup();
    for scenario in scenarios {
        let of_it = medians.iter().filter(|run| run.scenario == scenario);
        let plot = Lines {
            title: &format!("{}: latency", scenario.name()),
            x: "one in so many calls takes longer",
            y: "microseconds",
            each: of_it.map(|run| latencies(run)).collect(),
        };
        lines(
            &folder.join(format!("latency-{}.svg", scenario.name())),
            &plot,
        )?;
    }
    Ok(())
}

fn latencies(run: &Run) -> Line {
    let one_in = (0..)
        .map(|power| 2f64.powi(power))
        .take_while(|n| *n <= 8192.0);
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a minute")]
    let points = one_in.map(|n| (n, run.quantile_us(1.0 - 1.0 / n).max(1) as f64));
    Line {
        name: run.subject.clone(),
        points: points.collect(),
    }
}

/// Draws lines.
pub(super) fn lines(path: &Path, plot: &Lines<'_>) -> Result<()> {
    draw_lines(path, plot).map_err(failed)
}

fn failed(error: Box<dyn StdError + Send + Sync>) -> Error {
    Error::Load(error)
}

type Drawn = Result<(), Box<dyn StdError + Send + Sync>>;

fn draw_lines(path: &Path, plot: &Lines<'_>) -> Drawn {
    let points = || plot.each.iter().flat_map(|line| &line.points);
    let range = |of: fn(&(f64, f64)) -> f64| -> Range<f64> {
        let low = points().map(of).fold(f64::INFINITY, f64::min);
        let high = points().map(of).fold(0.0, f64::max);
        if low.is_finite() {
            low * 0.8..high * 1.3
        } else {
            1.0..2.0
        }
    };
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(plot.title, (FONT, 20))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(72)
        .build_cartesian_2d(range(|p| p.0).log_scale(), range(|p| p.1).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(BLACK.mix(0.04))
        .x_desc(plot.x)
        .y_desc(plot.y)
        .x_label_formatter(&|x| short(*x))
        .y_label_formatter(&|y| short(*y))
        .draw()?;
    for (index, line) in plot.each.iter().enumerate() {
        let color = Palette99::pick(index).to_rgba();
        chart
            .draw_series(
                LineSeries::new(line.points.iter().copied(), color.stroke_width(2)).point_size(3),
            )?
            .label(&line.name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 4), (x + 14, y + 4)], color.filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.2))
        .draw()?;
    root.present()?;
    Ok(())
}

/// A stacked bar for each run: service, database and client.
fn costs(path: &Path, runs: &[&Run]) -> Drawn {
    let count = i32::try_from(runs.len())?;
    let longest = runs
        .iter()
        .map(|run| run.server_cpu_us() + run.client_cpu_us);
    let longest = longest.fold(1.0, f64::max);
    let height = 110 + 22 * u32::try_from(runs.len())?;
    let root = SVGBackend::new(path, (SIZE.0, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let names: Vec<String> = runs
        .iter()
        .map(|run| format!("{} {}", run.scenario.name(), run.subject))
        .collect();
    let name = |row: &i32| {
        let index = usize::try_from(count - 1 - row).unwrap_or(usize::MAX);
        names.get(index).cloned().unwrap_or_default()
    };
    let mut chart = ChartBuilder::on(&root)
        .caption("Processor time of a call", (FONT, 20))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(190)
        .build_cartesian_2d(
            (longest / 5000.0..longest * 1.2).log_scale(),
            (0..count).into_segmented(),
        )?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(BLACK.mix(0.04))
        .x_desc("microseconds: service, database, client")
        .x_label_formatter(&|x| short(*x))
        .y_labels(runs.len() + 1)
        .y_label_formatter(&|row| match row {
            SegmentValue::CenterOf(row) => name(row),
            _ => String::new(),
        })
        .draw()?;
    for (row, run) in (0..count).rev().zip(runs) {
        let mut from = longest / 5000.0;
        let parts = [run.service_cpu_us, run.postgres_cpu_us, run.client_cpu_us];
        let mut sum = 0.0;
        for (index, part) in parts.into_iter().enumerate() {
            sum += part;
            let to = sum.max(longest / 5000.0);
            let corners = [
                (from, SegmentValue::Exact(row)),
                (to, SegmentValue::Exact(row + 1)),
            ];
            let mut bar = Rectangle::new(corners, Palette99::pick(index).filled());
            bar.set_margin(3, 3, 0, 0);
            chart.draw_series([bar])?;
            from = to;
        }
    }
    root.present()?;
    Ok(())
}

fn short(value: f64) -> String {
    match value {
        1e6.. => format!("{}M", value / 1e6),
        1e3.. => format!("{}k", value / 1e3),
        _ => format!("{value}"),
    }
}
