/// The look of the page: one column of text, booktabs tables, charts in the page's own colours, light and dark.
enum StyleSheet {
  static var markup: Markup { .literal("<style>") + .literal(text) + .literal("</style>") }

  private static let text: StaticString = """
    :root {
      color-scheme: light dark; --paper: #fdfdfb; --ink: #1d2126; --quiet: #666e78; --line: #d9dbd8;
      --faint: #ecedea; --base: #59626e; --a0: #0b6e75; --a1: #b4531c; --a2: #5b48a8; --a3: #a5295f; --a4: #2d6a2e;
      --a5: #8a6d0b; --good: #26734d; --bad: #b3362b; --n4: #eb9a8c; --n3: #f2b8ad; --n2: #f7d2cb; --n1: #fbe9e5;
      --p1: #e1f0ee; --p2: #c2e2de; --p3: #9fd1cb; --p4: #74bab3;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --paper: #16191d; --ink: #e4e6e8; --quiet: #98a1ab; --line: #363c43; --faint: #24292f; --base: #a7b0bb;
        --a0: #4fbcc0; --a1: #ea9458; --a2: #a898ee; --a3: #ea7fae; --a4: #7fc07c; --a5: #d3b54d; --good: #6ec79a;
        --bad: #f08a7e; --n4: #a24436; --n3: #7f3a30; --n2: #5f3029; --n1: #402622; --p1: #1c3533; --p2: #1d4a47;
        --p3: #1e625d; --p4: #1f7f78;
      }
    }
    * { box-sizing: border-box; }
    body {
      margin: 0; background: var(--paper); color: var(--ink);
      font: 16px/1.5 "Inter", "Helvetica Neue", "Segoe UI", system-ui, sans-serif; -webkit-text-size-adjust: 100%;
      text-size-adjust: 100%;
    }
    main { max-width: 76rem; margin: 0 auto; padding: 2rem 2rem 5rem; }
    h1, h2, .verdict {
      font-family: "Charter", "Iowan Old Style", "Source Serif 4", "Georgia", "DejaVu Serif", serif;
      text-wrap: balance;
    }
    h1 { font-size: 1.5rem; line-height: 1.2; margin: 0; font-weight: 600; letter-spacing: -.005em; }
    h2 {
      font-size: 1.25rem; margin: 3.25rem 0 .6rem; padding-top: .7rem; border-top: 1px solid var(--line);
      font-weight: 600;
    }
    h4 { font-size: .9rem; margin: 0 0 .3rem; display: flex; align-items: baseline; gap: .1rem; }
    h4 .quiet { margin-left: auto; font-weight: 400; }
    p { max-width: 46rem; margin: .4rem 0 1rem; }
    .scope {
      color: var(--quiet); font-size: .875rem; margin: .35rem 0 0; max-width: none; display: flex; flex-wrap: wrap;
      gap: .1rem 1.4rem;
    }
    .scope .arms { display: flex; flex-wrap: wrap; align-items: baseline; }
    .scope .arms span { margin-right: .9rem; }
    .digests { overflow-wrap: anywhere; }
    .digests code { margin-left: .35rem; display: inline-block; }
    .verdict { font-size: 1.35rem; line-height: 1.38; margin: 1.15rem 0 1.35rem; max-width: 60rem; }
    .remarks, figcaption, .quiet { color: var(--quiet); font-size: .8125rem; line-height: 1.45; font-weight: 400; }
    .remarks { margin: .75rem 0 0; }
    .caution { margin: 0 0 1.2rem; padding: .6rem .9rem .6rem 1.9rem; border-left: 3px solid var(--ink); font-size: .9375rem; }
    .first { display: grid; grid-template-columns: minmax(0, 1.42fr) minmax(0, 1fr); gap: 2rem; align-items: start; }
    figure { margin: 0; min-width: 0; }
    figcaption { margin-top: .35rem; max-width: 34rem; }
    figcaption b { color: var(--ink); font-weight: 600; }
    .scroll { overflow-x: auto; }
    table {
      border-collapse: collapse; width: 100%; font-size: .875rem; font-variant-numeric: tabular-nums lining-nums;
    }
    thead th {
      font-weight: 500; color: var(--quiet); text-align: right; vertical-align: bottom; font-size: .8125rem;
      line-height: 1.25;
    }
    th, td { padding: .42rem .55rem; }
    tr > :first-child { padding-left: 0; }
    tr > :last-child { padding-right: 0; }
    .results { border-top: 1.5px solid var(--ink); border-bottom: 1.5px solid var(--ink); }
    .results thead th { border-bottom: 1px solid var(--ink); }
    .results thead th { white-space: nowrap; }
    .results td { text-align: right; white-space: nowrap; }
    .results tbody th { text-align: left; font-weight: 500; white-space: nowrap; }
    .results tbody tr + tr > * { border-top: 1px solid var(--faint); }
    .results .matched th { font-weight: 400; }
    .results .matched > * { color: var(--quiet); }
    .results .references > * { border-top: 1px solid var(--line) !important; }
    .results .references th { font-weight: 400; font-style: italic; }
    .results .note { text-align: left; font-style: italic; }
    .pm { color: var(--quiet); font-size: .8125rem; }
    b { font-weight: 700; }
    .none { color: var(--quiet); }
    .settings { width: auto; }
    .settings th { text-align: left; font-weight: 500; vertical-align: top; white-space: nowrap; }
    .settings thead th { text-align: left; }
    .settings td { vertical-align: top; padding-right: 1.5rem; overflow-wrap: anywhere; }
    .settings tr > * { border-bottom: 1px solid var(--faint); }
    .inputs code { display: inline-block; margin-right: .9rem; }
    code { font: .78rem/1.5 ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace; }
    .mark {
      display: inline-block; width: .62em; height: .62em; border-radius: 50%; margin-right: .45em;
      background: transparent; flex: none;
    }
    .base { --c: var(--base); }
    .arm0 { --c: var(--a0); }
    .arm1 { --c: var(--a1); }
    .arm2 { --c: var(--a2); }
    .arm3 { --c: var(--a3); }
    .arm4 { --c: var(--a4); }
    .arm5 { --c: var(--a5); }
    .other { --c: var(--quiet); }
    .mark.base, .mark.arm0, .mark.arm1, .mark.arm2, .mark.arm3, .mark.arm4, .mark.arm5, .mark.other {
      background: var(--c);
    }
    svg { width: 100%; height: auto; display: block; overflow: visible; }
    svg text { font-size: 11.5px; fill: var(--quiet); font-variant-numeric: tabular-nums; }
    svg .name { fill: var(--ink); font-size: 12px; }
    svg .strong {
      font-weight: 600; font-size: 12.5px; fill: var(--c); paint-order: stroke; stroke: var(--paper);
      stroke-width: 4px; stroke-linejoin: round;
    }
    svg .small {
      font-size: 10.5px; paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round;
    }
    .grid { stroke: var(--faint); }
    .axis, .tick { stroke: var(--quiet); stroke-width: .8; }
    .line { fill: none; stroke: var(--c); stroke-width: 1.8; stroke-linejoin: round; }
    .line.thin { stroke-width: 1; stroke-dasharray: 3 3; opacity: .7; }
    .line.other { opacity: .55; stroke-dasharray: 5 3; }
    .line.faint { stroke-width: 1; opacity: .45; }
    .dot { fill: var(--c); }
    .dot.hollow { fill: var(--paper); stroke: var(--c); stroke-width: 1.4; }
    .dot.sheer { fill-opacity: .32; }
    .whisker { stroke: var(--c); stroke-width: 1.1; opacity: .75; }
    .band { fill: var(--c); opacity: .11; }
    .match { stroke: var(--c); stroke-width: 1.3; stroke-dasharray: 2 3; }
    .cross { stroke: var(--ink); stroke-width: 1.7; }
    .human { stroke: var(--quiet); stroke-dasharray: 4 4; stroke-width: .9; }
    .humandot { fill: var(--quiet); }
    .bar { fill: var(--c); opacity: .82; }
    .error { stroke: var(--ink); stroke-width: 1.2; opacity: .8; }
    .panels {
      display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1.6rem 2rem;
      margin-top: .8rem;
    }
    .panels.two { grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); margin-top: 1.6rem; }
    .panels.four { grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 1.6rem 1.2rem; }
    .panels > figure { max-width: 34rem; }
    .legend {
      display: flex; flex-wrap: wrap; gap: .2rem 1.3rem; font-size: .8125rem; margin: .8rem 0 0; max-width: none;
    }
    .prompts > details { border-top: 1px solid var(--line); }
    .prompts > details:last-child { border-bottom: 1px solid var(--line); }
    summary { cursor: pointer; padding: .5rem 0; }
    .prompts > details > summary {
      display: flex; gap: .1rem 1rem; align-items: baseline; list-style-position: inside;
    }
    .prompts > details > summary::before { content: "+"; color: var(--quiet); width: .7rem; }
    .prompts > details[open] > summary::before { content: "−"; }
    .prompts > details > summary::-webkit-details-marker { display: none; }
    .prompts > details > summary { list-style: none; }
    .prompt { font-weight: 550; overflow-wrap: anywhere; flex: 1; min-width: 0; }
    summary .quiet { margin-left: auto; }
    .side {
      display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 1.2rem 2rem;
      padding: .3rem 0 .4rem;
    }
    .side ol { list-style: none; margin: 0; padding: 0; font-size: .875rem; line-height: 1.55; }
    .side li { display: flex; gap: .5rem; padding: .2rem 0; border-top: 1px solid var(--faint); }
    .side .text { flex: 1; min-width: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
    .side .return, .side .value { color: var(--quiet); font-variant-numeric: tabular-nums; font-size: .8125rem; }
    .side .right { color: var(--good); }
    .side .wrong { color: var(--bad); }
    .right ul { margin: 0 0 .8rem; padding-left: 1.2rem; font-size: .875rem; columns: 20rem; }
    details.right summary { color: var(--quiet); font-size: .8125rem; }
    .text span { border-radius: 2px; padding: .08em 0; }
    .n1 { background: var(--n1); }
    .n2 { background: var(--n2); }
    .n3 { background: var(--n3); }
    .n4 { background: var(--n4); }
    .p1 { background: var(--p1); }
    .p2 { background: var(--p2); }
    .p3 { background: var(--p3); }
    .p4 { background: var(--p4); }
    .bars { display: flex; gap: 1px; margin-top: 2px; }
    .bars i { height: 5px; flex: 1; max-width: 14px; }
    .z { background: transparent; }
    .bars .z, .scale .z { background: var(--faint); }
    .scale { font-size: .8125rem; color: var(--quiet); display: flex; align-items: center; gap: 2px; }
    .scale i { width: 1.3rem; height: .7rem; }
    .scale i:first-of-type { margin-left: .4rem; }
    .scale i:last-of-type { margin-right: .4rem; }
    @media (max-width: 62rem) {
      .first { grid-template-columns: minmax(0, 1fr); }
      .first > figure { max-width: 36rem; }
    }
    @media (max-width: 40rem) {
      main { padding: 1.2rem 1.1rem 3rem; }
      .verdict { font-size: 1.15rem; }
      th, td { padding: .4rem .4rem; }
      .results tbody th { position: sticky; left: 0; background: var(--paper); }
      .results { font-size: .8125rem; }
      .results .pm { display: block; font-size: .72rem; line-height: 1.1; }
      .side { grid-template-columns: minmax(0, 1fr); }
      .prompts > details > summary { flex-wrap: wrap; } summary .quiet { margin-left: 1.7rem; width: 100%; }
      .panels, .panels.two, .panels.four { grid-template-columns: minmax(0, 1fr); }
    }
    @media print {
      body { background: none; }
      section { break-inside: avoid; }
    }
    """
}
