// Opens a page of tailcatch in a browser and holds it to what it promises: no error, no request, fonts that load, tables that sort,
// numbers under the pointer that are those of the CSV, nothing cut at 390 px and in print, no serious finding of axe-core.
//
//   node check.mjs PAGE.html [FOLDER OF ITS FIGURES]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const page_path = resolve(process.argv[2]);
const figures = process.argv[3] && resolve(process.argv[3]);
const address = pathToFileURL(page_path).href;
const faults = [];
const hold = (is_so, what) => { if (!is_so) faults.push(what); };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
});

async function opened(options, name) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("console", (m) => hold(!["error", "warning"].includes(m.type()), `${name}: console says ${m.text()}`));
  page.on("pageerror", (e) => hold(false, `${name}: ${e.message}`));
  page.on("dialog", (d) => { hold(false, `${name}: a dialog says ${d.message()}`); d.dismiss(); });
  page.on("request", (r) => hold(r.url() === address || r.url().startsWith("data:"), `${name}: asks for ${r.url()}`));
  await page.goto(address);
  await page.evaluate(() => document.fonts.ready);
  return page;
}

async function accessible(page, name) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run({ resultTypes: ["violations"] }));
  for (const one of found.violations.filter((v) => ["serious", "critical"].includes(v.impact))) {
    hold(false, `${name}: ${one.id}, ${one.nodes.length} times, first ${one.nodes[0].html.slice(0, 160)}`);
  }
}

/// What sticks out of its box and cannot be scrolled to.
const cut = () => [...document.querySelectorAll("main *")]
  .filter((e) => !e.closest("svg") || e.localName === "svg")
  .filter((e) => {
    const box = e.getBoundingClientRect();
    const scrolls = e.closest(".scroll, .picture, pre");
    const room = document.documentElement.clientWidth;
    const inside = scrolls && getComputedStyle(scrolls).overflowX !== "visible";
    return box.width > 0 && !inside && box.right > room + 1;
  })
  .map((e) => `${e.localName}.${e.className}: ${e.textContent.trim().slice(0, 60)}`);

// A wide light screen.
{
  const page = await opened({ viewport: { width: 1200, height: 900 }, colorScheme: "light" }, "light");
  const fonts = await page.evaluate(() => [...document.fonts].map((f) => `${f.weight} ${f.status}`));
  for (const weight of ["400", "700"]) hold(fonts.includes(`${weight} loaded`), `fonts: ${fonts.join(", ") || "none"}`);
  hold((await page.evaluate(() => document.scripts.length)) === 1, "there is another script than the page's own");
  hold(!(await page.evaluate(() => "owned" in window)), "a name of the run was carried out");
  hold((await page.locator("h1").count()) === 1, "there is not one h1");
  for (const link of await page.locator("nav a").all()) {
    const target = await link.getAttribute("href");
    hold((await page.locator(target).count()) === 1, `contents: nothing at ${target}`);
  }
  const sortable = page.locator("table.sorted th button").first();
  hold((await sortable.count()) === 1, "no table sorts");
  const tables = await page.locator("table.sorted:visible").all();
  let sorted = 0;
  for (const table of tables) {
    for (const column of await table.locator("thead th").all()) {
      if ((await column.locator("button").count()) === 0) continue;
      const index = await column.evaluate((th) => th.cellIndex);
      const cells = () => table.evaluate((t, i) => [...t.tBodies[0].rows].map((r) => r.cells[i].textContent.trim()), index);
      const before = await cells();
      for (const direction of ["ascending", "descending"]) {
        await column.locator("button").click();
        hold((await column.getAttribute("aria-sort")) === direction, `sort: the column does not say ${direction}`);
        const after = await cells();
        hold([...after].sort().join() === [...before].sort().join(), "sort: rows were lost");
        const numbers = after.map((t) => t.replace(/\u2212/g, "-").match(/^[+-]?(\d+\.?\d*|\.\d+)(e-?\d+)?/)).map((m) => m && Number(m[0]));
        if (!numbers.every((n) => n !== null)) continue;
        const sign = direction === "ascending" ? 1 : -1;
        hold(numbers.every((n, i) => i === 0 || sign * (n - numbers[i - 1]) >= 0), `sort: ${after.join(" | ")}`);
        sorted += 1;
      }
    }
    if (sorted > 40) break;
  }
  hold(tables.length === 0 || sorted > 0, "sort: no column of numbers was tried");

  // The number under the pointer is that of the mark which is seen there, and stands in the CSV.
  let tried = 0;
  for (const figure of await page.locator("figure[id^=figure-]").all()) {
    const name = (await figure.getAttribute("id")).slice("figure-".length);
    if (!figures) continue;
    const written = new Set(readFileSync(join(figures, `${name}.csv`), "utf8").split("\n").map((line) => {
      const cells = [...line.matchAll(/("([^"]|"")*"|[^,]*)(,|$)/g)].map((m) => m[1]);
      return `${cells[2]}: ${cells[3]}`;
    }));
    const marks = await figure.locator("circle[data-v], polygon[data-v]").all();
    const quarters = [0.25, 0.5, 0.75].map((p) => Math.floor(p * marks.length));
    const places = new Set([0, 1, 2, ...quarters, marks.length - 1].filter((i) => i >= 0 && i < marks.length));
    for (const mark of [...places].map((i) => marks[i])) {
      await mark.scrollIntoViewIfNeeded();
      const box = await mark.boundingBox();
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      await page.mouse.move(x, y);
      const tip = await page.locator(".tip").innerText().catch(() => "");
      const number = tip.split("\n").at(-1).replace(/ \[.*/, "");
      const own = await mark.evaluate((mark, [x, y]) => {
        // The uppermost mark, and the lines over it, which are told near their points.
        const seen = document.elementsFromPoint(x, y).filter((e) => e.dataset?.v !== undefined);
        const last = seen.findIndex((e) => e.localName !== "polyline");
        const told = last < 0 ? [mark] : seen.slice(0, last + 1);
        return told.flatMap((e) => e.dataset.v.split(";")).map((one) => one.split(" ")).map(([x, y]) => `${x}: ${y}`);
      }, [x, y]);
      hold(own.includes(number), `hover: ${name} says ${tip || "nothing"}, the mark is ${own.slice(0, 3).join("; ")}`);
      hold(written.has(number), `hover: ${name} says ${tip || "nothing"}, which its CSV has not`);
      tried += 1;
    }
  }
  if (figures) hold(tried > 0, "hover: no mark was tried");
  await accessible(page, "light");
  const field = page.locator(".filter input").first();
  if ((await field.count()) > 0) {
    const table = page.locator(".filter + .scroll table").first();
    const first = (await table.locator("tbody tr").last().locator("td").first().innerText()).trim();
    await field.fill(first);
    const left = await table.locator("tbody tr:visible").allInnerTexts();
    hold(left.length > 0 && left.every((t) => t.split("\t").some((cell) => cell.toLowerCase().includes(first.toLowerCase()))), `filter: ${first} leaves ${left.length} rows`);
  }
}

// The dark: page and pictures.
{
  const page = await opened({ viewport: { width: 1200, height: 900 }, colorScheme: "dark" }, "dark");
  const light = (colour) => colour.match(/\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) / 3;
  const body = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  hold(light(body) < 60, `dark: the page is ${body}`);
  const fills = await page.evaluate(() => [...document.querySelectorAll(".picture svg")].map((svg) => [
    getComputedStyle(svg.querySelector("rect")).fill, getComputedStyle(svg.querySelector("g[fill] > :is(path, use)")).fill]));
  hold(fills.length === 0 || fills.every(([page, text]) => light(page) < 60 && light(text) > 120), `dark: pictures are ${JSON.stringify(fills)}`);
  await accessible(page, "dark");
}

// A phone.
{
  const page = await opened({ viewport: { width: 390, height: 800 }, colorScheme: "light" }, "390 px");
  const wide = await page.evaluate(() => document.scrollingElement.scrollWidth);
  const decisive = page.locator("figure .picture:visible svg").first();
  const narrow = (await decisive.count()) === 0 || (await page.locator(".narrow").count()) === 0 || (await decisive.evaluate((svg) => svg.getBoundingClientRect().right)) <= 390;
  hold(narrow, "390 px: the figure that decides is wider than the screen");
  hold(wide <= 390, `390 px: the page is ${wide} px wide: ${(await page.evaluate(cut)).slice(0, 3).join("; ")}`);
  await accessible(page, "390 px");
}

// Print: A4 less its margins.
{
  const page = await opened({ viewport: { width: 680, height: 900 }, colorScheme: "dark" }, "print");
  // Long lists of what stands in a file beside the page are not printed.
  const details = await page.locator("details:not(.long)").count();
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
  hold((await page.locator("details[open]").count()) === details, "print: not all details are open, or long ones too");
  const out = await page.evaluate(cut);
  hold(out.length === 0, `print: cut: ${out.slice(0, 4).join("; ")}`);
  const body = await page.evaluate(() => getComputedStyle(document.body).color);
  hold(body.match(/\d+/g).slice(0, 3).every((c) => Number(c) < 80), `print: text is ${body}`);
  const pdf = await page.pdf({ format: "A4" });
  hold(pdf.length > 10_000, "print: the PDF is empty");
}

// Without a script the page is whole.
{
  const page = await opened({ viewport: { width: 1200, height: 900 }, javaScriptEnabled: false }, "no script");
  const context = page.context();
  const whole = await page.locator("main").innerText();
  hold(whole.length > 500 && (await page.locator("h1").isVisible()), "no script: the page is empty");
  await context.close();
}

await browser.close();
for (const fault of new Set(faults)) console.error(fault);
console.log(`${page_path}: ${faults.length === 0 ? "holds" : `${new Set(faults).size} faults`}`);
process.exit(faults.length === 0 ? 0 : 1);
