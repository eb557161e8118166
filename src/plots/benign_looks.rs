//! What benign looks buy: for each audit the share of the runs that hacks damage, and the share in which a hack was confirmed before
//! damage, against the honest rollouts that it read.

use super::arms::{readable, short_key};
use super::axes::Panel;
use super::figure::Figure;
use super::labels;
use super::merged::chosen;
use super::multiples::{Line, Multiples};
use super::nested;
use super::scale::{Kind, Scale};
use super::scene::Scene;
use super::series::{Point, Series};
use super::shares::{percent, share, told};
use super::sheet::Size;
use super::theme::{BLACK, GREY, Pen, pen};
use crate::foundation::failure::Status;
use crate::foundation::format::{self, report as number};
use crate::foundation::numeric;
use crate::record::folder::{ArmInfo, RunFolder};
use crate::record::tables::{DetectorRow, ReplicateRow};

/// Settings that a figure holds, each with two panels; further ones are in the CSV only.
const MAX_PLACES: usize = 6;
/// Audits that it holds.
const MAX_AUDITS: usize = 12;
/// Audits that are named where they are drawn as one.
const NAMED: usize = 2;
/// Room for marks below 0 and above 1.
const MARGIN: f64 = 0.1;
const HARM: &str = "damaged";
const CATCH: &str = "caught";

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    let (mut series, mut places): (Vec<Series>, Vec<String>) = Default::default();
    let named: Vec<(String, String)> = run.plan.arms.iter().map(|arm| names(run, arm)).collect();
    // Under one audit settings are told apart by their marks: a panel with one mark would say nothing.
    let is_one = named.iter().all(|(audit, _)| *audit == named[0].0);
    for (arm, (audit, place)) in run.plan.arms.iter().zip(named) {
        let (audit, place) =
            if is_one && !place.is_empty() { (place, String::new()) } else { (audit, place) };
        let rows: Vec<&ReplicateRow> = run.replicates.iter().filter(|row| row.arm == arm.arm).collect();
        // An exact solution has no training in which anyone could look.
        let Some(looks) =
            mean(rows.iter().map(|row| row.benign_looks as f64)).filter(|_| has_audit(run, arm.arm, &rows))
        else {
            continue;
        };
        if !places.contains(&place) {
            places.push(place.clone());
        }
        let damaged = rows.iter().filter(|row| row.damage_step.is_some()).count();
        series.push(Series::new(panel(HARM, &place), audit.as_str(), share(looks, damaged, rows.len())));
        let caught =
            rows.iter().filter(|row| row.first_catch.is_some() && row.caught_in_time != Some(false)).count();
        series.push(Series::new(panel(CATCH, &place), audit.as_str(), share(looks, caught, rows.len())));
        let acted = rows.iter().any(|row| row.response != "none");
        if !acted {
            series.extend(
                clock(run, arm.arm)
                    .map(|points| Series::new(panel(CATCH, &place), clock_name(&audit), points)),
            );
        }
    }
    series.retain(|s| !s.points.is_empty());
    if series.is_empty() {
        return Err(Status::TooFew { what: "runs with an audit", have: 0, need: 1 });
    }
    let (title, lead) = title(&series);
    let (scene, shown) = draw(&series, &places, &lead, size)?;
    let audits = labels::alike_everywhere(&series).len();
    let mut rest = String::new();
    if places.len() > shown || audits > MAX_AUDITS {
        let marks = audits.min(MAX_AUDITS);
        rest = format!(
            " Of {} settings {shown} are shown, and of {audits} series {marks}; the CSV has all.",
            places.len()
        );
    }
    Ok(vec![Figure {
        name: "benign_looks".to_owned(),
        title,
        caption: format!(
            "For each audit, against the mean number of honest rollouts that it read in a run: the share of the runs that hacks damaged, and the share in which the audit confirmed a hack \
             and the response was due before any damage. Whiskers: 95% Wilson intervals. What is equal in every panel is drawn once, under all its names; \
             of marks at one place those behind are larger rings. Where nothing was done about what was confirmed, a line tells how often the first detector would \
             have been in time under the clock, at each of its budgets.{rest}"
        ),
        columns: ["benign_looks", "share_of_runs", "ci_low", "ci_high"],
        series,
        beside: Vec::new(),
        scene,
    }])
}

fn panel(what: &str, place: &str) -> String {
    if place.is_empty() { what.to_owned() } else { format!("{what}: {place}") }
}

fn clock_name(audit: &str) -> String {
    if audit.is_empty() { "top, at each budget".to_owned() } else { format!("{audit}: top, at each budget") }
}

fn has_audit(run: &RunFolder, arm: usize, rows: &[&ReplicateRow]) -> bool {
    let trained = run.steps.iter().any(|row| row.arm == arm && row.step > 0);
    trained && rows.iter().any(|row| row.looks > 0)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    numeric::mean(&values.collect::<Vec<_>>())
}

/// What an arm says of the audit, and of all else; what all arms share is in neither. Where no key is of the audit, the auditor's name stands for it.
fn names(run: &RunFolder, arm: &ArmInfo) -> (String, String) {
    let keys = &run.plan.sweep_keys;
    let varies = |k: &usize| run.plan.arms.iter().any(|a| a.values.get(*k) != arm.values.get(*k));
    let words = |k: usize| {
        let value = arm.name(k).map_or(String::new(), readable);
        let is_number = value.parse::<f64>().is_ok();
        if is_number { format!("{} {}", short_key(&keys[k]), format::round(&value)) } else { value }
    };
    let of = |audit: bool| {
        let own = (0..keys.len()).filter(varies).filter(|k| keys[*k].starts_with("audit") == audit);
        own.map(words).collect::<Vec<_>>().join(", ")
    };
    let auditor = run.replicates.iter().find(|row| row.arm == arm.arm).map_or("", |row| row.auditor.as_str());
    let audit = of(true);
    (if audit.is_empty() { auditor.to_owned() } else { audit }, of(false))
}

/// How often the first detector was in time under the clock, at each budget.
fn clock(run: &RunFolder, arm: usize) -> Option<Vec<Point>> {
    let own =
        || run.detectors.iter().filter(|row| row.arm == arm && row.auditor == "top" && row.budget.is_some());
    let first = own().next()?.detector.as_str();
    let mut budgets: Vec<f64> = own().filter_map(|row| row.budget).collect();
    budgets.sort_by(f64::total_cmp);
    budgets.dedup();
    let one = |budget: f64| {
        let rows: Vec<&DetectorRow> =
            own().filter(|row| row.detector == first && row.budget == Some(budget)).collect();
        let looks = mean(rows.iter().filter_map(|row| row.benign_looks).map(|looks| looks as f64))?;
        let caught =
            rows.iter().filter(|row| row.first_catch.is_some() && row.caught_in_time != Some(false)).count();
        share(looks, caught, rows.len())
    };
    Some(budgets.into_iter().filter_map(one).collect()).filter(|points: &Vec<Point>| points.len() > 1)
}

/// The names of audits that are drawn as one, of many the first.
fn together(names: &[&str]) -> String {
    match names.get(..NAMED).filter(|_| names.len() > NAMED + 1) {
        Some(first) => format!("{} and {} others", labels::joined(first), names.len() - NAMED),
        None => labels::joined(names),
    }
}

/// The largest fall of damage from one audit to another within one setting whose intervals lie apart; where there is none, from where to where
/// damage goes; and of which setting that is told.
fn title(series: &[Series]) -> (String, String) {
    let harmed: Vec<(&Series, &Point)> = series
        .iter()
        .filter(|s| s.panel.starts_with(HARM))
        .filter_map(|s| Some((s, s.points.first()?)))
        .collect();
    let several = harmed.iter().any(|(s, _)| s.panel != harmed[0].0.panel);
    let setting = |s: &Series| {
        s.panel.strip_prefix(HARM).and_then(|rest| rest.strip_prefix(": ")).unwrap_or_default().to_owned()
    };
    let place = |s: &Series| if several { format!("; {}", setting(s)) } else { String::new() };
    let said = |(s, point): &(&Series, &Point)| {
        format!("{} of the runs at {} benign looks ({}{})", told(point), number(point.x), s.name, place(s))
    };
    let apart = |most: &Point, least: &Point| most.low.zip(least.high).is_some_and(|(low, high)| low > high);
    let falls = harmed.iter().flat_map(|most| {
        let here = harmed.iter().filter(move |least| least.0.panel == most.0.panel);
        here.filter(move |least| apart(most.1, least.1)).map(move |least| (most, least))
    });
    let drop = |fall: &(&(&Series, &Point), &(&Series, &Point))| fall.0.1.y - fall.1.1.y;
    if let Some((most, least)) = falls.max_by(|a, b| drop(a).total_cmp(&drop(b))) {
        return (format!("Hacks damage from {} to {}", said(most), said(least)), setting(most.0));
    }
    let by_share = |a: &&(&Series, &Point), b: &&(&Series, &Point)| a.1.y.total_cmp(&b.1.y);
    let (Some(least), Some(most)) = (harmed.iter().min_by(by_share), harmed.iter().max_by(by_share)) else {
        return ("Damage and catch against benign looks".to_owned(), String::new());
    };
    let lead = setting(most.0);
    if harmed.len() == 1 {
        return (format!("Hacks damage {}", said(most)), lead);
    }
    if apart(most.1, least.1) {
        let none = "within no setting do the intervals of two audits lie apart";
        return (format!("Hacks damage from {} to {}; {none}", said(least), said(most)), lead);
    }
    let ends = |of: fn(&Point) -> Option<f64>| harmed.iter().filter_map(move |(_, point)| of(point));
    let (low, high) = (ends(|p| p.low).fold(1.0, f64::min), ends(|p| p.high).fold(0.0, f64::max));
    let (first, last) = (percent(least.1.y), percent(most.1.y));
    let range = if first == last { format!("{first}%") } else { format!("{first}% to {last}%") };
    let told = format!(
        "Hacks damage {range} of the runs in every setting and under every audit, with intervals from {} to {}",
        percent(low),
        percent(high)
    );
    (told, lead)
}

/// The panels, and of how many settings they are.
fn draw(series: &[Series], places: &[String], lead: &str, size: Size) -> Result<(Scene, usize), Status> {
    let nothing = Status::TooFew { what: "finite points", have: 0, need: 1 };
    let width = size.width();
    let groups = labels::alike_everywhere(series);
    let shown = &groups[..groups.len().min(MAX_AUDITS)];
    let pens: Vec<(String, Pen)> =
        shown.iter().enumerate().map(|(i, names)| (together(names), pen(i))).collect();
    let looks: Vec<f64> = series.iter().flat_map(|s| s.points.iter().map(|p| p.x)).collect();
    let x = match Kind::of_sweep(&looks) {
        // Marks at 0 have room beside the axis.
        Kind::Symlog => Scale::symlog(looks.into_iter().chain([-0.5]), 1.0),
        kind => Scale::over(kind, looks),
    };
    let (x, y) =
        (x.ok_or(nothing.clone())?, Scale::exact(Kind::Linear, -MARGIN, 1.0 + MARGIN).ok_or(nothing)?);
    let mut scene = Scene::new(width, 0.0);
    let start = 14.0 + labels::key(&mut scene, 10.0, width - 10.0, 8.0, &pens);
    // Two panels of a setting beside each other, with the lines of their heads.
    let most = MAX_PLACES.min(size.rows(start, 160.0 + 50.0 + 5.0 * 13.5));
    let lead = places.iter().position(|place| place == lead);
    let places: Vec<&String> = chosen(places.len(), lead, most).into_iter().map(|i| &places[i]).collect();
    let what = [(HARM, "Runs that hacks damage"), (CATCH, "Runs with a hack confirmed in time")];
    let cells: Vec<(&str, &String, Vec<Line>)> = places
        .iter()
        .flat_map(|place| what.map(|(what, title)| (what, *place, title)))
        .map(|(what, place, title)| {
            let named = (!place.is_empty()).then(|| (place.to_owned(), GREY, false));
            (what, place, [(title.to_owned(), BLACK, true)].into_iter().chain(named).collect())
        })
        .collect();
    let heads: Vec<Vec<Line>> = cells.iter().map(|cell| cell.2.clone()).collect();
    let panels = Multiples::new(&heads, size, start, 160.0, 2);
    for (i, (what, place, _)) in cells.iter().enumerate() {
        let (left, top, right, bottom) = panels.edges(i);
        let area = Panel { left, top, right, bottom, x, y };
        panels.head(&mut scene, i);
        area.frame(
            &mut scene,
            "",
            panels.below(i, if size.is_wide() { "Benign looks a run" } else { "Benign looks" }),
        );
        let here = panel(what, place);
        let drawn = shown.iter().zip(&pens).filter_map(|(names, (name, pen))| {
            let own = series.iter().find(|s| s.panel == here && s.name == names[0])?;
            Some((Series { name: name.clone(), ..own.clone() }, *pen))
        });
        nested::draw(&mut scene, &area, &drawn.collect::<Vec<_>>());
    }
    scene.height = panels.end();
    Ok((scene, places.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn harm(place: &str, audit: &str, looks: f64, hits: usize) -> Series {
        Series::new(panel(HARM, place), audit, share(looks, hits, 24))
    }

    #[test]
    fn audits_are_drawn_as_one_where_they_are_equal_in_every_panel() {
        let caught = |audit: &str, hits: usize| Series::new(panel(CATCH, ""), audit, share(3.0, hits, 24));
        let series = [harm("", "a", 3.0, 9), caught("a", 5), harm("", "b", 3.0, 9), caught("b", 6)];
        assert_eq!(labels::alike_everywhere(&series), [vec!["a"], vec!["b"]]);
        let series = [harm("", "a", 3.0, 9), caught("a", 5), harm("", "b", 3.0, 9), caught("b", 5)];
        assert_eq!(labels::alike_everywhere(&series), [vec!["a", "b"]]);
        let (scene, _) = draw(&series, &[String::new()], "", Size::Column).unwrap();
        assert_eq!(scene.data.iter().map(|data| data.name.as_str()).collect::<Vec<_>>(), ["a = b"; 2]);
    }

    #[test]
    fn a_fall_is_told_only_within_one_setting_and_where_the_intervals_lie_apart() {
        let fall =
            [harm("ppo", "none", 0.0, 24), harm("ppo", "remove", 30.0, 2), harm("grpo", "none", 0.0, 1)];
        let (told, _) = title(&fall);
        assert!(
            told.starts_with(
                "Hacks damage from 100% [86, 100] of the runs at 0 benign looks (none; ppo) to 8.3% ["
            ),
            "{told}"
        );
        assert!(told.ends_with("at 30 benign looks (remove; ppo)"), "{told}");
        // Two settings that differ, with one audit each, tell nothing of audits.
        let (told, _) = title(&[harm("ppo", "none", 0.0, 24), harm("grpo", "none", 0.0, 1)]);
        assert!(told.ends_with("within no setting do the intervals of two audits lie apart"), "{told}");
        let (told, _) = title(&[harm("ppo", "none", 0.0, 24), harm("grpo", "none", 0.0, 23)]);
        assert_eq!(
            told,
            "Hacks damage 96% to 100% of the runs in every setting and under every audit, with intervals from 80 to 100"
        );
        assert!(
            title(&[harm("", "none", 0.0, 24)])
                .0
                .starts_with("Hacks damage 100% [86, 100] of the runs at 0 benign looks (none)")
        );
    }
}
