//! Hill plot: the tail index ξ against how many of the largest rewards it is read from (Hill 1975; Drees, de Haan & Resnick 2000
//! on why to draw it over log k). A plateau is an index, a slope is none.

use super::axes::{Below, End, INDENT, Panel};
use super::fitting::fit;
use super::labels;
use super::scale::{Kind, Scale};
use super::scene::Scene;
use super::series::{Figure, Point, Series};
use super::theme::{SMALL, WIDTH, colour};
use crate::foundation::failure::Status;
use crate::record::folder::RunFolder;

const MAX_ARMS: usize = 12;
/// With more arms than this the bands would hide each other.
const MAX_BANDS: usize = 4;
const PANEL: &str = "hill";

pub(super) fn build(run: &RunFolder) -> Result<Vec<Figure>, Status> {
    if run.hill.is_empty() {
        return Err(Status::Missing { column: "hill.csv".to_owned() });
    }
    let mut series: Vec<Series> = Vec::new();
    for arm in &run.plan.arms {
        let rows = run.hill.iter().filter(|row| row.arm == arm.arm && row.k > 0);
        let points = rows.map(|row| Point { x: row.k as f64, y: row.xi, low: row.ci_low, high: row.ci_high });
        let made = Series::new(PANEL, run.label(arm.arm), points);
        // Arms that differ only in how the policy is optimised have the same reference, and so the same curve.
        if made.points.len() > 1 && series.iter().all(|other| other.points != made.points) {
            series.push(made);
        }
    }
    if series.is_empty() {
        return Err(Status::TooFew { what: "values of k", have: 1, need: 2 });
    }
    let scene = draw(&series)?;
    let bands =
        if series.len() > MAX_BANDS { "whose intervals are in the CSV" } else { "with 95% intervals" };
    let rest = if series.len() > MAX_ARMS {
        format!(" {} further arms are in the CSV only.", series.len() - MAX_ARMS)
    } else {
        String::new()
    };
    Ok(vec![Figure {
        name: "hill".to_owned(),
        title: "Hill plot of the proxy reward".to_owned(),
        caption: format!(
            "Hill's estimate of the tail index ξ = 1/α from the k largest rewards, {bands}. A plateau is a tail index; \
             a steady slope means that there is none at these sizes. Above ξ = ½ the variance is infinite, above 1 the mean. \
             The estimate is always positive, so it cannot show a light tail: compare the moment and GPD estimates.{rest}"
        ),
        columns: ["k", "xi", "ci_low", "ci_high"],
        series,
        scene,
    }])
}

fn draw(series: &[Series]) -> Result<Scene, Status> {
    let nothing = Status::TooFew { what: "finite points", have: 0, need: 1 };
    let shown = &series[..series.len().min(MAX_ARMS)];
    let points = || shown.iter().flat_map(|s| &s.points);
    let x = Scale::over(Kind::Log, points().map(|p| p.x)).ok_or(nothing.clone())?;
    // The intervals at the smallest k would squeeze everything else.
    let high = points().map(|p| p.y).fold(0.0, f64::max) * 1.25;
    let y = Scale::exact(Kind::Linear, 0.0, high.max(0.6)).ok_or(nothing)?;
    let names: Vec<String> = shown.iter().map(|s| fit(&s.name, 190.0, SMALL, false)).collect();
    let single = shown.len() == 1;
    let levels = [(0.5, "infinite variance"), (1.0, "infinite mean")];
    let drawn = levels.into_iter().filter(|(level, _)| *level < y.ends().1 * 0.97);
    let shown_names = names.iter().map(String::as_str).filter(|_| !single);
    let room = labels::room(shown_names.chain(drawn.clone().map(|(_, name)| name)));
    let mut scene = Scene::new(WIDTH, 380.0);
    let panel = Panel { left: INDENT + 10.0, top: 30.0, right: WIDTH - room, bottom: 326.0, x, y };
    panel.frame(&mut scene, "Tail index ξ", Below::Title("Largest rewards used, k"));
    let mut ends: Vec<End> = drawn.map(|(level, name)| panel.level(&mut scene, level, name)).collect();
    for (i, (s, name)) in shown.iter().zip(names).enumerate() {
        let ink = colour(i, shown.len());
        if shown.len() <= MAX_BANDS {
            panel.band(&mut scene, s, ink);
        }
        panel.line(&mut scene, s, ink);
        if let Some(last) = s.points.last().filter(|_| !single) {
            ends.push((panel.place(last.x, last.y), name, ink));
        }
    }
    labels::at_right(&mut scene, &panel, &ends);
    Ok(scene)
}
