//! A gridworld with walls, goals and glitches: the decision process in which trajectories are paths.

use super::{Environment, EnvironmentError, Move, Process, State, World};
use crate::foundation::numeric::log_sum_exp;
use crate::foundation::rng::SeedTree;
use crate::foundation::scalar::{Finite, NonNegative, Positive, Probability};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::num::NonZeroU32;

/// A walk on a map until a goal or the horizon. Actions are up, right, down, left; who runs into a wall stays. A policy is shown
/// the field that it stands on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Gridworld {
    /// Rows of equal length: `#` wall, `.` floor, `S` the start (one), `G` a goal, `X` a glitch, where a reward model may err.
    pub map: Vec<String>,
    /// Most actions of an episode, at most 1024.
    #[schemars(range(max = 1024))]
    pub horizon: NonZeroU32,
    /// Chance that an action turns out as one of the two to its sides; 0 is the deterministic process of theorem T3.
    pub slip: Probability,
    /// Utility of reaching a goal, which ends the episode.
    pub goal: Finite,
    /// Utility that every action costs.
    pub step_cost: NonNegative,
    /// The reference policy.
    pub reference: GridReference,
}

/// Where π₀ comes from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum GridReference {
    /// Every action alike.
    Uniform,
    /// π₀(a) ∝ exp(−d/temperature), d the steps to the nearest goal from where `a` leads: a walker who mostly knows the way.
    ShortestPath {
        /// In steps.
        temperature: Positive,
    },
}

impl Default for Gridworld {
    fn default() -> Self {
        Self {
            map: ["S..#.", ".#..X", ".##..", "...#G"].map(str::to_owned).to_vec(),
            horizon: NonZeroU32::MIN.saturating_add(11),
            slip: Probability::known(0.0),
            goal: Finite::known(1.0),
            step_cost: NonNegative::known(0.02),
            reference: GridReference::ShortestPath { temperature: Positive::known(1.0) },
        }
    }
}

/// Steps of up, right, down, left, as (row, column).
const STEPS: [(isize, isize); 4] = [(-1, 0), (0, 1), (1, 0), (0, -1)];

/// The map as fields, numbered row by row.
#[derive(Debug)]
struct Grid {
    columns: usize,
    fields: Vec<u8>,
    start: usize,
    horizon: usize,
    slip: f64,
    goal: f64,
    step_cost: f64,
    /// ln π₀, four actions a field.
    reference: Vec<f64>,
}

impl Gridworld {
    /// The process, which is the same in every replicate.
    ///
    /// # Errors
    /// The map has no start or several, no goal, an unknown sign or rows of different length.
    pub fn process(&self) -> Result<Box<dyn Process>, EnvironmentError> {
        Ok(Box::new(self.grid()?))
    }

    fn grid(&self) -> Result<Grid, EnvironmentError> {
        let fault = |row: usize, problem: String| EnvironmentError::Map { row, problem };
        if self.horizon.get() > 1024 {
            return Err(EnvironmentError::Size { key: "horizon", size: self.horizon.get(), most: 1024 });
        }
        let columns = self.map.first().map_or(0, |row| row.len());
        for (row, text) in self.map.iter().enumerate() {
            if let Some(sign) = text.chars().find(|sign| !"#.SGX".contains(*sign)) {
                return Err(fault(row, format!("'{sign}' means nothing; use # . S G X")));
            }
            if text.len() != columns {
                let problem =
                    format!("it has {} fields and the first row {columns}; make them equal", text.len());
                return Err(fault(row, problem));
            }
        }
        let fields: Vec<u8> = self.map.concat().into_bytes();
        if fields.len() > 4096 {
            return Err(fault(0, format!("the map has {} fields; 4096 is the limit", fields.len())));
        }
        let mut starts = fields.iter().enumerate().filter(|(_, sign)| **sign == b'S').map(|(field, _)| field);
        let (Some(start), None) = (starts.next(), starts.next()) else {
            return Err(fault(0, "one start S is needed on the map".to_owned()));
        };
        if !fields.contains(&b'G') {
            return Err(fault(0, "a goal G is needed on the map".to_owned()));
        }
        let mut grid = Grid {
            columns,
            fields,
            start,
            horizon: self.horizon.get() as usize,
            slip: self.slip.get(),
            goal: self.goal.get(),
            step_cost: self.step_cost.get(),
            reference: Vec::new(),
        };
        grid.reference = grid.policy(self.reference);
        Ok(grid)
    }

    /// Number of paths, where chance plays no role.
    fn paths(&self) -> Option<usize> {
        let grid = self.grid().ok()?;
        if grid.slip > 0.0 {
            return None;
        }
        // Paths from each field with so many actions left; a goal ends them.
        let mut left = vec![1u128; grid.fields.len()];
        for _ in 0..grid.horizon {
            let from = |field: usize| {
                if grid.fields[field] == b'G' {
                    return Some(1);
                }
                (0..4).try_fold(0u128, |sum, action| sum.checked_add(left[grid.step(field, action)]))
            };
            left = (0..left.len()).map(from).collect::<Option<_>>()?;
        }
        usize::try_from(left[grid.start]).ok()
    }
}

impl Environment for Gridworld {
    fn cells(&self) -> Option<usize> {
        self.paths()
    }
    fn draw(&self, _: &SeedTree) -> Result<World, EnvironmentError> {
        Ok(World::Process(self.process()?))
    }
}

impl Grid {
    /// Where an action leads when nothing slips.
    fn step(&self, field: usize, action: usize) -> usize {
        let (row, column) = (field / self.columns, field % self.columns);
        let (down, right) = STEPS[action];
        let to = row
            .checked_add_signed(down)
            .zip(column.checked_add_signed(right))
            .filter(|(row, column)| *row < self.fields.len() / self.columns && *column < self.columns)
            .map(|(row, column)| row * self.columns + column);
        to.filter(|field| self.fields[*field] != b'#').unwrap_or(field)
    }

    /// Steps to the nearest goal from every field, by breadth-first search; the number of fields where there is no way.
    fn distances(&self) -> Vec<usize> {
        let far = self.fields.len();
        let mut distance = vec![far; far];
        let mut queue: VecDeque<usize> = (0..far).filter(|&field| self.fields[field] == b'G').collect();
        queue.iter().for_each(|&goal| distance[goal] = 0);
        while let Some(field) = queue.pop_front() {
            // Steps can be taken back: who can go there by an action can come from there by its opposite.
            for action in 0..4 {
                let next = self.step(field, action);
                if self.fields[field] != b'#' && distance[next] == far {
                    distance[next] = distance[field] + 1;
                    queue.push_back(next);
                }
            }
        }
        distance
    }

    fn policy(&self, reference: GridReference) -> Vec<f64> {
        let GridReference::ShortestPath { temperature } = reference else {
            return vec![-(4f64.ln()); 4 * self.fields.len()];
        };
        let distance = self.distances();
        let of = |field: usize| {
            let logits = [0, 1, 2, 3].map(|a| -(distance[self.step(field, a)] as f64) / temperature.get());
            let total = log_sum_exp(&logits);
            logits.map(|l| l - total)
        };
        (0..self.fields.len()).flat_map(of).collect()
    }

    fn field(state: State) -> usize {
        (state.0 & 0xFFFF_FFFF) as usize
    }

    fn time(state: State) -> usize {
        (state.0 >> 32) as usize
    }
}

impl Process for Grid {
    fn prompts(&self) -> usize {
        1
    }
    fn actions(&self) -> usize {
        4
    }
    fn symbols(&self) -> usize {
        self.fields.len()
    }
    fn horizon(&self) -> usize {
        self.horizon
    }
    fn deterministic(&self) -> bool {
        self.slip == 0.0
    }
    fn start(&self, _: usize) -> State {
        State(self.start as u64)
    }
    fn symbol(&self, state: State) -> usize {
        Self::field(state)
    }
    fn ended(&self, state: State) -> bool {
        Self::time(state) == self.horizon || self.fields[Self::field(state)] == b'G'
    }
    fn truncated(&self, state: State) -> bool {
        Self::time(state) == self.horizon && self.fields[Self::field(state)] != b'G'
    }
    fn reference(&self, state: State) -> &[f64] {
        &self.reference[4 * Self::field(state)..][..4]
    }
    fn moves(&self, state: State, action: usize, into: &mut Vec<Move>) {
        let (field, time) = (Self::field(state), Self::time(state) as u64 + 1);
        into.clear();
        let sides = [(0, 1.0 - self.slip), (1, self.slip / 2.0), (3, self.slip / 2.0)];
        for (turn, probability) in sides.into_iter().filter(|(_, p)| *p > 0.0) {
            let to = self.step(field, (action + turn) % 4);
            let reached = if self.fields[to] == b'G' { self.goal } else { 0.0 };
            let next = State(time << 32 | to as u64);
            into.push(Move { probability, next, utility: reached - self.step_cost });
        }
    }
    fn glitch(&self, state: State) -> bool {
        self.fields[Self::field(state)] == b'X'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walker_who_knows_the_way_prefers_it_and_walls_hold() {
        let world = Gridworld::default();
        let grid = world.grid().unwrap();
        // From the start both ways to the goal go round the wall; up and left lead nowhere.
        let start = grid.reference(grid.start(0));
        assert!((start.iter().map(|l| l.exp()).sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(grid.step(grid.start, 0), grid.start);
        assert!(start[1] > start[0] || start[2] > start[0]);
        let distance = grid.distances();
        assert_eq!(distance[grid.start], 7, "S right right down right (X) … down down");
    }

    #[test]
    fn moves_are_distributions_and_paths_are_counted() {
        let world = Gridworld { slip: Probability::known(0.2), ..Gridworld::default() };
        let grid = world.grid().unwrap();
        let mut moves = Vec::new();
        grid.moves(grid.start(0), 1, &mut moves);
        assert!((moves.iter().map(|m| m.probability).sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!((moves.len(), world.cells()), (3, None));
        let short = Gridworld { horizon: NonZeroU32::MIN.saturating_add(2), ..Gridworld::default() };
        assert_eq!(short.cells(), Some(64), "no goal is three steps away");
    }

    #[test]
    fn bad_maps_are_refused_by_row() {
        for (map, row, problem) in [
            (vec!["S.", "G"], 1, "make them equal"),
            (vec!["S.", "?G"], 1, "'?' means nothing"),
            (vec![".."], 0, "one start S"),
            (vec!["SS"], 0, "one start S"),
            (vec!["S."], 0, "a goal G"),
        ] {
            let map = map.into_iter().map(str::to_owned).collect();
            let error = Gridworld { map, ..Gridworld::default() }.process().unwrap_err();
            assert!(matches!(&error, EnvironmentError::Map { row: r, .. } if *r == row), "{error}");
            assert!(error.to_string().contains(problem), "{error}");
        }
    }
}
