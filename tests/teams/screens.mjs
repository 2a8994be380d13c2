// Renders cards as Teams does, with Microsoft's own renderer: node screens.mjs TOOLS CHROMIUM CARDS.json OUT
// Each card in light and dark, 480 and 320 pixels wide. Prints what is wider than its place, or has no name.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [tools, chromium, given, out] = process.argv.slice(2);
const require = createRequire(join(tools, "package.json"));
const { chromium: browser } = require("playwright-core");
const cards = JSON.parse(readFileSync(given, "utf8"));

const colours = {
  light: { page: "#f5f5f5", card: "#ffffff", text: "#242424", subtle: "#616161", emphasis: "#f0f0f0", line: "#d1d1d1", accent: "#5b5fc7", attention: "#b10e1c", good: "#0e700e", warning: "#835b00", field: "#ffffff" },
  dark: { page: "#1f1f1f", card: "#292929", text: "#ffffff", subtle: "#adadad", emphasis: "#333333", line: "#666666", accent: "#7f85f5", attention: "#f1707b", good: "#54b054", warning: "#f2c661", field: "#1f1f1f" },
};
const foreground = (c) => {
  const pair = (value) => ({ default: value, subtle: value });
  return { default: { default: c.text, subtle: c.subtle }, accent: pair(c.accent), attention: pair(c.attention), good: pair(c.good), warning: pair(c.warning), dark: pair("#242424"), light: pair("#ffffff") };
};
const font = (fontFamily) => ({
  fontFamily,
  fontSizes: { small: 12, default: 14, medium: 16, large: 18, extraLarge: 24 },
  fontWeights: { lighter: 200, default: 400, bolder: 600 },
});
const host = (c) => ({
  supportsInteractivity: true,
  ...font("Segoe UI, DejaVu Sans, sans-serif"),
  fontTypes: {
    default: font("Segoe UI, DejaVu Sans, sans-serif"),
    monospace: font("Consolas, DejaVu Sans Mono, monospace"),
  },
  spacing: { small: 8, default: 12, medium: 16, large: 20, extraLarge: 24, padding: 16 },
  separator: { lineThickness: 1, lineColor: c.line },
  containerStyles: {
    default: { backgroundColor: c.card, foregroundColors: foreground(c) },
    emphasis: { backgroundColor: c.emphasis, foregroundColors: foreground(c) },
  },
  actions: { maxActions: 6, actionsOrientation: "horizontal", actionAlignment: "left", buttonSpacing: 8, preExpandSingleShowCardAction: false, spacing: "default", showCard: { actionMode: "inline", inlineTopMargin: 8, style: "emphasis" } },
  inputs: { label: { inputSpacing: "small", requiredInputs: { weight: "bolder", suffix: " *", suffixColor: "attention" }, optionalInputs: { weight: "bolder" } }, errorMessage: { color: "attention", spacing: "small" } },
});
const style = (c) => `
  body { margin: 0; padding: 8px; background: ${c.page}; color: ${c.text}; font: 14px/20px "Segoe UI", "DejaVu Sans", sans-serif; }
  #card { background: ${c.card}; border: 1px solid ${c.line}; border-radius: 8px; overflow: hidden; }
  .ac-pushButton { border: 1px solid ${c.line}; border-radius: 4px; background: ${c.card}; color: ${c.text}; font: inherit; font-weight: 600; padding: 5px 12px; max-width: 100%; }
  .ac-pushButton.style-positive { background: ${c.accent}; color: ${c.card}; border-color: ${c.accent}; }
  .ac-pushButton.style-destructive { color: ${c.attention}; border-color: ${c.attention}; }
  .ac-actionSet, .ac-horizontal-separator { flex-wrap: wrap; row-gap: 8px; }
  .ac-textInput, .ac-numberInput, .ac-dateInput, .ac-timeInput, select { background: ${c.field}; color: ${c.text}; font: inherit; }
  .ac-textInput, .ac-numberInput, .ac-dateInput, .ac-timeInput, select.ac-multichoiceInput { border: 1px solid ${c.line}; border-radius: 4px; padding: 5px 8px; }
  .ac-textRun { white-space: normal; overflow-wrap: anywhere; }
  .ac-textBlock { overflow-wrap: anywhere; }
  a, .ac-anchor { color: ${c.accent}; }
`;

const opened = await browser.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
const wrong = [];
for (const [theme, c] of Object.entries(colours)) {
  for (const width of [480, 320]) {
    const page = await opened.newPage({ viewport: { width, height: 400 }, colorScheme: theme, timezoneId: "Australia/Melbourne", locale: "en-AU" });
    await page.setContent(`<!doctype html><html><head><style>${style(c)}</style></head><body><div id="card"></div></body></html>`);
    await page.addScriptTag({ path: join(tools, "node_modules/markdown-it/dist/markdown-it.min.js") });
    await page.addScriptTag({ path: join(tools, "node_modules/adaptivecards/dist/adaptivecards.min.js") });
    for (const [name, card] of Object.entries(cards)) {
      const found = await page.evaluate(([card, config]) => {
        AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
          result.outputHtml = window.markdownit().render(text);
          result.didProcess = true;
        };
        const made = new AdaptiveCards.AdaptiveCard();
        made.hostConfig = new AdaptiveCards.HostConfig(config);
        const context = new AdaptiveCards.SerializationContext();
        made.parse(card, context);
        const place = document.getElementById("card");
        place.replaceChildren(made.render());
        const events = Array.from({ length: context.eventCount }, (_, at) => context.getEventAt(at).message);
        const wide = [...place.querySelectorAll("*")].filter((each) => each.getBoundingClientRect().right > window.innerWidth + 1);
        const nameless = [...place.querySelectorAll("button, input, select, textarea")].filter((each) => !(each.textContent || each.getAttribute("aria-label") || each.getAttribute("aria-labelledby") || each.title || each.labels?.length));
        return { events, wide: wide.map((each) => `${each.className}: ${each.textContent.slice(0, 60)}`), nameless: nameless.map((each) => each.outerHTML.slice(0, 80)) };
      }, [card, host(c)]);
      for (const [what, all] of Object.entries(found)) for (const one of all) wrong.push(`${name} ${theme} ${width} ${what}: ${one}`);
      await page.screenshot({ path: join(out, `${name}-${theme}-${width}.png`), fullPage: true });
    }
    await page.close();
  }
}
await opened.close();
console.log(JSON.stringify(wrong));
