//! What `tailcatch --help` tells: the commands by what they are for, an example each.

/// The page of the whole program. Commands of the laboratory stand where it is built in.
#[cfg(feature = "lab")]
pub(super) const TEMPLATE: &str = concat!(
    "{about-with-newline}\n{usage-heading} {usage}\n\n",
    "Your own logs\n",
    "  detect       which rollouts to read, and whether anything stands apart\n",
    "                 tailcatch detect rollouts.csv --reward score\n",
    "  watch        the same for a log that grows\n",
    "                 tailcatch watch runs/rollouts --jsonl\n",
    "  diagnose     is this reward heavy-tailed?\n",
    "                 tailcatch diagnose rollouts.csv --plot tail.svg\n",
    "  spike        which exploit would have been caught, had there been one\n",
    "                 tailcatch spike rollouts.csv\n",
    "  curve        step means: trend, spread, reward against an evaluation\n",
    "                 tailcatch curve wandb_history.csv\n\n",
    "Plan an audit\n",
    "  theory       closed forms: how large an exploit must be, and what an audit sees\n",
    "                 tailcatch theory frontier --mass 1e-4 --kl .1\n\n",
    "Experiments\n",
    "  init         a commented config to start from\n",
    "                 tailcatch init mine --trainer grpo --error student_t:df=3 --sweep kl\n",
    "  check        its faults, its plan and what it costs\n",
    "                 tailcatch check mine.toml\n",
    "  run          train, audit, draw, report\n",
    "                 tailcatch run mine.toml --set replicates=16\n",
    "  bench        every detector on every scenario: a leaderboard\n",
    "                 tailcatch bench --quick\n",
    "  verdict      the deciding experiment\n",
    "                 tailcatch verdict --quick\n\n",
    "Figures and reports\n",
    "  plot         the figures of a run, in print, slide or screen size\n",
    "                 tailcatch plot runs/mine --size column --format pdf\n",
    "  report       its page, again\n",
    "                 tailcatch report runs/mine\n",
    "  fit          curves of over-optimisation, of a run or of your own checkpoints\n",
    "                 tailcatch fit runs/mine\n",
    "  compare      runs beside each other, replicate by replicate\n",
    "                 tailcatch compare runs/before runs/after\n",
    "  gallery      the figures of several runs under one index\n",
    "                 tailcatch gallery runs/mine --out plots\n\n",
    "Look up\n",
    "  list         every part with one line and its source\n",
    "                 tailcatch list detectors\n",
    "  schema       JSON Schema of configs, for editors\n",
    "                 tailcatch schema > tailcatch.schema.json\n",
    "  completions  for your shell\n",
    "                 tailcatch completions bash\n",
    "  man          manual pages\n",
    "                 tailcatch man pages\n",
    "  help         of a command\n",
    "                 tailcatch help detect\n\n",
    "{options}{after-help}"
);

/// The page of the judge alone.
#[cfg(not(feature = "lab"))]
pub(super) const TEMPLATE: &str =
    "{about-with-newline}\n{usage-heading} {usage}\n\nCommands:\n{subcommands}\n\n{options}{after-help}";
