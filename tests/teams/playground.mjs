// A person in the Microsoft 365 Agents Playground: node playground.mjs TOOLS CHROMIUM URL OUT PLAN.json
// The plan is a list of steps; each prints one line of JSON with what is seen then. Screenshots go to OUT.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [tools, chromium, url, out, given] = process.argv.slice(2);
const require = createRequire(join(tools, "package.json"));
const { chromium: browser } = require("playwright-core");
const plan = JSON.parse(readFileSync(given, "utf8"));
const PATIENCE = 60_000;

const opened = await browser.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
const page = await opened.newPage({ viewport: { width: 1280, height: 1250 }, locale: "en-AU", timezoneId: "Australia/Melbourne" });
page.setDefaultTimeout(PATIENCE);
const box = () => page.locator("[contenteditable=true]").first();
const shown = () => page.locator("body").innerText();

const steps = {
  open: async () => {
    await page.goto(url);
    await box().waitFor();
    await page.getByText("Connected.").first().waitFor();
    const log = page.getByRole("button", { name: "Hide log panel" });
    if (await log.isVisible()) await log.click();
  },
  say: async ({ text }) => {
    await box().click();
    await page.keyboard.insertText(text);
    await page.keyboard.press("Enter");
  },
  // The newest text of that kind; `many`: there are at least so many of them.
  wait: async ({ text, many = 1 }) => void await page.waitForFunction(
    ([text, many]) => document.body.innerText.split(text).length > many, [text, many], { polling: 50, timeout: PATIENCE }),
  gone: async ({ text }) => void await page.waitForFunction((text) => !document.body.innerText.includes(text), text, { polling: 50, timeout: PATIENCE }),
  fill: async ({ label, text }) => void await page.getByLabel(label).last().fill(text),
  dialog: async ({ text }) => void await page.getByRole("dialog").getByRole("textbox").fill(text),
  choose: async ({ label }) => void await page.getByLabel(label).last().check(),
  press: async ({ name }) => void await page.getByRole("button", { name, exact: true }).last().click(),
  // The first of the free times: the button above "Other times", three rows of it at least.
  slot: async () => {
    const times = page.getByRole("button", { name: /\d{1,2}:\d{2}/ });
    if ((await times.count()) < 3) throw new Error("fewer than 3 free times");
    await times.first().click();
  },
  // Until what comes of the press stands there.
  timed: async ({ name, text }) => {
    const before = (await shown()).split(text).length;
    const began = Date.now();
    await page.getByRole("button", { name, exact: true }).last().click();
    await page.waitForFunction(([text, before]) => document.body.innerText.split(text).length > before, [text, before], { polling: 20, timeout: PATIENCE });
    return { ms: Date.now() - began };
  },
  hover: async ({ name }) => {
    await page.getByRole("button", { name, exact: true }).last().hover();
    await page.waitForTimeout(800);
  },
  buttons: async () => ({ buttons: await page.getByRole("button").evaluateAll((all) => all.map((one) => one.getAttribute("aria-label") || one.title || one.textContent)) }),
  see: async ({ name }) => {
    await page.waitForTimeout(500);
    if (!name.startsWith("citation")) await page.evaluate(() => {
      for (const one of document.querySelectorAll("*")) if (one.scrollHeight > one.clientHeight + 50) one.scrollTop = one.scrollHeight;
    });
    await page.waitForTimeout(300);
    await page.screenshot({ path: join(out, `${name}.png`) });
    return { text: await shown() };
  },
};

try {
  for (const { do: name, ...rest } of plan) console.log(JSON.stringify({ did: name, ...((await steps[name](rest)) ?? {}) }));
} catch (error) {
  await page.screenshot({ path: join(out, "stuck.png") });
  console.log(JSON.stringify({ stuck: String(error).slice(0, 1_500), text: await shown() }));
  process.exitCode = 1;
} finally {
  await opened.close();
}
