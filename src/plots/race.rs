//! The race on strings: when a rare exploit is first sighted, confirmed and learned, and when it does harm, or that it never is, for every arm.

use super::figure::Figure;
use super::forest::{self, Entry, Row};
use super::labels;
use super::scale::Scale;
use super::scene::Scene;
use super::series::{Point, Series};
use super::shares::{share, told};
use super::sheet::Size;
use super::theme::{Dash, PALETTE, Pen, Shape};
use crate::foundation::failure::Status;
use crate::record::folder::RunFolder;
use crate::record::tables::ReplicateRow;

type Event = fn(&ReplicateRow) -> Option<u64>;

const SIGHTED: &str = "sighted";
const LEARNED: &str = "learned";
const EVENTS: [(&str, Event, Pen); 4] = [
    (SIGHTED, |row| row.first_sighting, event(4, Dash::Dotted, Shape::Circle)),
    ("confirmed", |row| row.first_catch, event(2, Dash::Dashed, Shape::Up)),
    (LEARNED, |row| row.learned_step, event(0, Dash::DashDot, Shape::Square)),
    ("damaged", |row| row.damage_step, event(1, Dash::Solid, Shape::Down)),
];
/// Runs from which on an arm has a median.
const LEAST: usize = 5;
/// What the CSV calls the single runs of an event.
const RUNS: &str = "runs";

const fn event(i: usize, dash: Dash, shape: Shape) -> Pen {
    Pen { ink: PALETTE[i], dash, shape }
}

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    // Elsewhere an exploit does not die out: what is not sighted soon is sighted later.
    if !run.config.as_ref().is_some_and(|config| config.contains("[environment.tokens]")) {
        return Ok(Vec::new());
    }
    let (mut series, mut rows, mut counts): (Vec<Series>, Vec<Row>, Vec<String>) = Default::default();
    let (mut singles, mut fates) = (Vec::new(), Vec::new());
    for (place, arm) in run.plan.arms.iter().enumerate() {
        let own: Vec<&ReplicateRow> = run.replicates.iter().filter(|row| row.arm == arm.arm).collect();
        let steps = |event: Event| -> Vec<f64> {
            own.iter().filter_map(|row| event(row)).map(|step| step as f64).collect()
        };
        let label = run.label(arm.arm);
        let (mut entries, mut told) = (Vec::new(), Vec::new());
        for (name, event, pen) in EVENTS {
            let found = steps(event);
            told.push(format!("{name} {}", found.len()));
            singles.extend(found.iter().map(|step| (name, Point::new(place as f64, *step))));
            let Some(point) = Point::quartiles(place as f64, &found).filter(|_| found.len() >= LEAST) else {
                continue;
            };
            series.push(Series::new(name, label.as_str(), [point]));
            counts.push(found.len().to_string());
            entries.push(Entry { pen, series: format!("{label}: {name}"), point, dots: Vec::new() });
        }
        let sighted = own.iter().filter(|row| row.first_sighting.is_some()).count();
        let learned =
            own.iter().filter(|row| row.first_sighting.is_some() && row.learned_step.is_some()).count();
        let fate = share(place as f64, learned, sighted).filter(|_| sighted >= LEAST);
        fates.extend(fate.map(|point| (label.clone(), point)));
        rows.push(Row { name: format!("{label}: of {} runs {}", own.len(), told.join(", ")), entries });
    }
    if series.is_empty() {
        return Err(Status::TooFew { what: "runs of an arm that sight the exploit", have: 0, need: LEAST });
    }
    let known = series.iter().flat_map(|s| s.points.iter().flat_map(Point::ys));
    let scale =
        Scale::symlog(known.chain([0.0]), 1.0).ok_or(Status::TooFew { what: "steps", have: 0, need: 1 })?;
    let mut scene = Scene::new(size.width(), 0.0);
    let pens: Vec<(String, Pen)> = EVENTS.iter().map(|(name, _, pen)| ((*name).to_owned(), *pen)).collect();
    let top = 22.0 + labels::key(&mut scene, 10.0, size.width() - 10.0, 8.0, &pens);
    scene.height = forest::draw(&mut scene, top, "Training step", &rows, scale, None);
    let title = title(&fates);
    for (name, ..) in EVENTS {
        let own = singles.iter().filter(|(event, _)| *event == name).map(|(_, point)| *point);
        series.push(Series::new(name, RUNS, own));
    }
    series.retain(|s| !s.points.is_empty());
    Ok(vec![Figure {
        name: "race".to_owned(),
        title,
        caption: format!(
            "Step at which in each arm the exploit was first sampled, first confirmed by the audit, first supplied half of the gain in proxy, and had done damage: the median of the runs in which that came, with \
             their quartiles; where it came in fewer than {LEAST} runs only the count is told. Left of the row: in how many runs it came at all. A run that sights the exploit and does not learn it has let it die out."
        ),
        columns: ["arm", "step", "q25", "q75"],
        series,
        beside: vec![("runs", counts)],
        scene,
    }])
}

/// In which arm what is sighted is learned least, and in which most.
fn title(fates: &[(String, Point)]) -> String {
    let mut ranked: Vec<&(String, Point)> = fates.iter().collect();
    ranked.sort_by(|a, b| a.1.y.total_cmp(&b.1.y));
    let of = |(arm, point): &(String, Point)| format!("{} ({arm})", told(point));
    match (ranked.first(), ranked.last()) {
        (Some(least), Some(most)) if ranked.len() > 1 => {
            format!("Of the runs that sight the exploit, from {} to {} learn it", of(least), of(most))
        }
        (Some(only), _) => format!("Of the runs that sight the exploit, {} learn it", of(only)),
        _ => format!("The exploit was sighted in fewer than {LEAST} runs of every arm"),
    }
}
