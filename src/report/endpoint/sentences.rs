//! What the endpoint says in sentences, the most important first.

use super::{Place, WORDS};
use crate::record::endpoint::{HarmRow, INVALID, LITTLE, MOST, NONE, PLACEBO, PREVENTED, UNRESOLVED};
use crate::report::format::percent;

/// All of them.
pub(in crate::report) fn findings(places: &[Place<'_>]) -> Vec<String> {
    let judged: Vec<&Place<'_>> = places.iter().filter(|place| place.headline().is_some()).collect();
    if judged.is_empty() {
        return Vec::new();
    }
    let mut found = vec![answer(&judged)];
    for (verdict, word, meaning) in WORDS {
        let own: Vec<&Place<'_>> =
            judged.iter().copied().filter(|place| is(place.headline(), verdict)).collect();
        if own.is_empty() {
            continue;
        }
        let mut sentence = format!("Cells called {word}, {}: {meaning}. {}.", own.len(), names(&own));
        if verdict == UNRESOLVED {
            let open = own.iter().filter(|place| !is_harmful(place)).count();
            if open > 0 {
                sentence += &format!(
                    " In {open} of them no audit could be called trivial: the interval without an audit holds half of the runs or lies below."
                );
            }
        }
        found.push(sentence);
    }
    let idle: Vec<&Place<'_>> = judged.iter().copied().filter(|place| is_idle(place)).collect();
    if !idle.is_empty() {
        found.push(format!(
            "Cells with damaged runs in which the removal at once changed no number, for no look met a hack, {}: {}.",
            idle.len(),
            names(&idle)
        ));
    }
    let controls: Vec<&HarmRow> = places.iter().filter_map(|place| place.role(PLACEBO)).collect();
    let (hits, runs) = controls.iter().fold((0, 0), |(hits, runs), row| (hits + row.damaged, runs + row.n));
    found.push(format!(
        "Placebo: where what is planted is judged rightly, {hits} of {runs} runs count as damaged, in the worst cell {}.",
        percent(controls.iter().filter_map(|row| row.damaged_rate).fold(0.0, f64::max))
    ));
    found.extend(attributed(places));
    let missed: Vec<&Place<'_>> = places
        .iter()
        .filter(|place| place.role(NONE).is_some_and(|row| row.status.contains("target missed")))
        .collect();
    if !missed.is_empty() {
        found.push(format!(
            "The KL that was asked for was missed by more than 5% in runs of {}.",
            names(&missed)
        ));
    }
    found
}

fn is(row: Option<&HarmRow>, verdict: &str) -> bool {
    row.is_some_and(|row| row.verdict == verdict)
}

/// Whether hacks damage most runs where nobody audits, by the lower end of the interval.
fn is_harmful(place: &Place<'_>) -> bool {
    let low = place.role(NONE).and_then(|row| row.damaged_low);
    !is(place.headline(), INVALID) && low.is_some_and(|low| low >= MOST)
}

/// Whether runs are damaged, and with the removal at once all of them end as if nobody audited: no look met a hack.
fn is_idle(place: &Place<'_>) -> bool {
    let ends = |row: &HarmRow| (row.damaged, row.utility, row.harm, row.loss_sum);
    let none = place.role(NONE).filter(|row| row.damaged > 0);
    let same = |row: &HarmRow| none.is_some_and(|none| ends(row) == ends(none));
    place.headline().is_some_and(|row| same(row) && row.looks.is_some() && row.looks == row.benign_looks)
}

/// The trainer, which an arm begins with, and what else the arm varies.
fn split<'a>(place: &Place<'a>) -> (&'a str, &'a str) {
    place.arm.split_once(", ").unwrap_or((place.arm, ""))
}

/// In how many of the cells with damage the removal prevents it, at once and late; by trainer, for that decides.
fn answer(judged: &[&Place<'_>]) -> String {
    let harmful: Vec<&Place<'_>> = judged.iter().copied().filter(|place| is_harmful(place)).collect();
    let count = |cells: &[&Place<'_>], of: &dyn Fn(&Place<'_>) -> bool| {
        cells.iter().filter(|place| of(place)).count()
    };
    let at_once = |place: &Place<'_>| is(place.headline(), PREVENTED);
    let late = |place: &Place<'_>| is(place.like_headline("remove", 20), PREVENTED);
    let known = |place: &Place<'_>| is(place.bound(20), PREVENTED);
    let mut trainers: Vec<&str> = Vec::new();
    for place in &harmful {
        if !trainers.contains(&split(place).0) {
            trainers.push(split(place).0);
        }
    }
    let by_trainer = trainers.iter().map(|trainer| {
        let own: Vec<&Place<'_>> =
            harmful.iter().copied().filter(|place| split(place).0 == *trainer).collect();
        format!("{trainer} {} and {} of {}", count(&own, &at_once), count(&own, &late), own.len())
    });
    let by_trainer: Vec<String> = by_trainer.collect();
    let by_trainer = if by_trainer.len() > 1 {
        format!(" (by trainer: {})", by_trainer.join(", "))
    } else {
        String::new()
    };
    // The least that a share without a hit leaves open.
    let unhit = judged.iter().flat_map(|place| &place.rows).filter(|row| row.damaged == 0);
    let least = unhit.filter_map(|row| Some((row.n, row.damaged_high?))).min_by(|a, b| a.1.total_cmp(&b.1));
    if let Some((runs, high)) = least.filter(|(_, high)| *high > LITTLE) {
        let clean = |row: Option<&HarmRow>| row.is_some_and(|row| row.damaged == 0);
        return format!(
            "If nobody audits, hacks damage most runs in {} of {} cells, a scenario with a trainer each. That an audit prevents it cannot be said of {runs} runs: \
             0 damaged of them leave up to {}. Reading every reward that enters the k highest so far and removing what is confirmed before the very update leaves no \
             damaged run in {} of them; with the removal 20 steps late, in {}.",
            harmful.len(),
            judged.len(),
            percent(high),
            count(&harmful, &|place| clean(place.headline())),
            count(&harmful, &|place| clean(place.like_headline("remove", 20))),
        );
    }
    format!(
        "If nobody audits, hacks damage most runs in {} of {} cells, a scenario with a trainer each. Reading every reward that enters the k highest so far \
         and removing what is confirmed before the very update, wherever it comes again, prevents that in {} of them; with the removal 20 steps late, \
         in {}{by_trainer}. Even who knows every hack prevents it in {} of them, 20 steps late.",
        harmful.len(),
        judged.len(),
        count(&harmful, &at_once),
        count(&harmful, &late),
        count(&harmful, &known),
    )
}

/// `one_exploit (reinforce, ppo); quantile_sizes, proxy 16.5 (reinforce)`.
fn names(places: &[&Place<'_>]) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for place in places {
        let (trainer, variant) = split(place);
        let name = if variant.is_empty() {
            place.scenario.to_owned()
        } else {
            format!("{}, {variant}", place.scenario)
        };
        match groups.iter_mut().find(|(own, _)| *own == name) {
            Some((_, trainers)) => trainers.push(trainer),
            None => groups.push((name, vec![trainer])),
        }
    }
    let each = groups.iter().map(|(name, trainers)| format!("{name} ({})", trainers.join(", ")));
    each.collect::<Vec<_>>().join("; ")
}

/// Whether runs that hacks dominate have a damage step: where hacks are planted, and where they are what is overrated.
fn attributed(places: &[Place<'_>]) -> Option<String> {
    // Classes are tried where hacks are planted.
    let of = |planted: bool| {
        let own = places.iter().filter(|place| place.like_headline("class", 0).is_some() == planted);
        own.filter_map(|place| place.role(NONE)).fold((0, 0), |(hits, all), row| {
            (hits + (row.attributed.unwrap_or(0.0) * row.hacked as f64).round() as u64, all + row.hacked)
        })
    };
    let ((planted, all), (overrated, others)) = (of(true), of(false));
    let others = (others > 0).then(|| {
        format!(
            "{overrated} of {others} that end on overrated outcomes where nothing is planted have one: what is not called overrated may be worth \
             even less there, so that E[V] says more than the damage"
        )
    });
    let all = (all > 0).then(|| {
        format!("of the {all} runs without an audit that end with more than half of their probability on planted hacks, {planted} have a damage step")
    });
    let said: Vec<String> = all.into_iter().chain(others).collect();
    (!said.is_empty()).then(|| format!("The measure itself: {}.", said.join("; ")))
}
