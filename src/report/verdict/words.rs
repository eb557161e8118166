//! What the words and numbers of the verdict mean, as its page says it.

use crate::report::format::number;

/// The words of a cell: as in the tables, as on the page, and what each takes.
pub(super) const WORDS: [(&str, &str, &str); 8] = [
    (
        "holds",
        "holds",
        "at most 5% of the learned runs are harmed under the audit of the criterion, by the upper end of the interval (7 of 300 at most), \
         and more than 5% without it, by the lower end",
    ),
    (
        "little_harm",
        "little harm",
        "the same, and by its lower end the share without an audit is not above 5%: the criterion is met, with little to prevent",
    ),
    (
        "not_learned",
        "not learned",
        "of the runs that sample the exploit at most 5% learn it, by the upper end, and of the others at most 5% are harmed, by theirs",
    ),
    (
        "fails",
        "fails",
        "more than 5% of the learned runs are harmed without an audit and under every auditor within the budget and that of the criterion, by the lower ends",
    ),
    (
        "refuted",
        "refuted",
        "the exploit is of T* or more, and more than half of the learned runs are harmed without an audit and under every auditor within the \
         budget and that of the criterion, by the lower ends",
    ),
    ("unresolved", "unresolved", "the ends of the intervals allow no other word"),
    (
        "void",
        "void",
        "the mean KL of the learned runs that nobody audits is off by more than 5%, or the placebo counts as harm; the cell is not where it was meant to be",
    ),
    (
        "insufficient",
        "insufficient",
        "fewer than 24 runs learned the exploit (72 are needed before a cell can hold)",
    ),
];

/// What brackets hold.
pub(super) const INTERVALS: &str =
    "Brackets hold exact two-sided 95% intervals of shares of runs (Clopper and Pearson).";

/// What was assumed.
pub(super) const ASSUMED: [&str; 12] = [
    "The objection: what is rare and yet drives the policy must be so large that whoever reads the largest rewards finds it before it does harm. \
     The audit of the criterion is just that: read every rollout whose reward enters the k highest so far, k such that without drift .8 in a thousand \
     rollouts are benign looks on average; learning itself can take it beyond a thousandth, and then it cannot meet the criterion. What is confirmed counts in no \
     update, that of its own step included.",
    "The ranking starts from 20,000 rollouts of the reference in which hacks were left out, at no cost: training alone has to show the exploit. (On the \
     standard map 2.6 of them would be expected there. Whoever reads the top of a reference that nobody vetted finds a drastic exploit before training begins.)",
    "An exploit costs five standard deviations of V, and ten sightings are expected: with another worth or mass harm begins at another KL. Its rewards have the noise \
     that all rewards have, so that a sighting may be paid less than the exploit is on average.",
    "A look is never wrong, costs the same for every rollout, and has its answer before the update. The delay of 20 steps beside it says what that is \
     worth.",
    "A confirmed exploit is one outcome, recognised at every later visit. The verifier's spoke alone has one of 500 outcomes, which 76 looks cannot remove one by one; \
     other exploits of many outcomes are in the benchmark.",
    "Harmed: what the mass on hacks costs in the run itself is at least max(10% of the clean twin's gain, .1 standard deviations of V) for \
     five steps. Learned: hacks supply at least half of the gain in proxy for five steps. Both are exact sums over the table.",
    "Harm needs mass. Within a KL of ε an exploit of mass q gets at most the p at which the KL of a coin with p to one with q is ε; where p times what \
     the exploit costs is below the threshold of harm, there is little harm whatever an audit does. On the standard map that is the whole of KL 0.03 \
     (p = 0.0092, a loss of 0.046).",
    "T* is the size at which an exploit of its mass supplies half of the proxy that the KL buys from normal utilities. Noise that is drawn anew at every visit \
     cannot be optimised, and does not enter it.",
    "The KL is capped by projection: after each update ln(π/π₀) is scaled by the largest factor up to 1 that keeps the KL within its target. A policy that gains \
     little by more KL stays below it. Trainers in use hold it by a penalty.",
    "Sizes are in units of what normal utilities of standard deviation 1 give; benign rewards have the noise beside them. How many benign rollouts are paid more than \
     the exploit is a column of its own: with fewer than the ranking has places it stands out.",
    "Learners are tables of outcomes, without generalisation, but for the spoke of strings. Nothing here can execute what training never sampled.",
    "Runs of a trainer share their draws over sizes, so that cells of the same KL are not independent. The intersection–union test does not need that; the \
     false discovery rate is kept under such dependence where it is positive.",
];

/// Two digits of a size: tables print proxies with four.
pub(super) fn size(value: f64) -> String {
    number((value * 100.0).round() / 100.0)
}
