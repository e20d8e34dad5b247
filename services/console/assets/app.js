"use strict";
// Three small elements; every page reads the same without them.

// <usage-chart>: draws the JSON inside it. The server wrote every text that is shown; floats are for drawing only.
class UsageChart extends HTMLElement {
  connectedCallback() {
    const data = this.querySelector("script");
    if (!data || this.stop) return;
    this.view = JSON.parse(data.textContent);
    this.plot = this.querySelector(".plot");
    this.texts = [...this.querySelectorAll(".legend b")];
    const dark = matchMedia("(prefers-color-scheme: dark)"), redraw = () => this.draw();
    const size = new ResizeObserver(() => this.chart?.setSize({ width: this.plot.clientWidth, height: this.plot.clientHeight }));
    dark.addEventListener("change", redraw);
    size.observe(this.plot);
    this.stop = () => { size.disconnect(); dark.removeEventListener("change", redraw); this.chart?.destroy(); this.stop = this.chart = null; };
    this.draw();
  }
  disconnectedCallback() { this.stop?.(); }
  draw() {
    const { times, series, complete, step, marks, words } = this.view;
    const tokens = getComputedStyle(this.querySelector(".tokens")), muted = tokens.color, grid = tokens.borderTopColor;
    const lines = [...this.querySelectorAll(".legend line")].map((one) => getComputedStyle(one).stroke);
    // The last window is drawn to its end; windows that are not complete are dashed.
    const ends = [...times, times[times.length - 1] + step], whole = (values) => [...values, values[values.length - 1]];
    const done = (values) => whole(values).map((value, i) => (times[i - 1] ?? times[0]) < complete ? value : null);
    const rest = (values) => whole(values).map((value, i) => (times[i] ?? complete) >= complete ? value : null);
    const hour = (at) => at % 86400 ? new Date(at * 1e3).toISOString().slice(11, 16) : new Date(at * 1e3).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
    const axis = { stroke: muted, font: "12px Inter, sans-serif", grid: { stroke: grid, width: 1 }, ticks: { show: false } };
    const line = (i, dash) => ({ stroke: lines[i], width: 1.8, dash, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }), fill: series.length > 1 ? undefined : lines[i].replace("rgb(", "rgba(").replace(")", ", 0.09)") });
    this.chart?.destroy();
    this.chart = new uPlot({
      width: this.plot.clientWidth, height: this.plot.clientHeight, legend: { show: false },
      tzDate: (at) => uPlot.tzDate(new Date(at * 1e3), "Etc/UTC"),
      cursor: { y: false, drag: { setScale: false } }, padding: [12, 24, 0, 0],
      scales: { x: { range: () => [ends[0], ends[ends.length - 1]] }, y: { range: () => [0, marks[marks.length - 1].at] } },
      axes: [{ ...axis, grid: { show: false }, size: 32, space: 64, values: (_, splits) => splits.map(hour) }, { ...axis, size: 64, splits: () => marks.map((mark) => mark.at), values: () => marks.map((mark) => mark.text) }],
      series: [{}, ...series.flatMap((_, i) => [line(i), line(i, [3, 3])])],
      hooks: { setCursor: [(chart) => this.tell(chart.cursor.idx, words)] },
    }, [ends, ...series.flatMap((one) => [done(one.values), rest(one.values)])], this.plot);
  }
  tell(at, words) {
    const index = at == null ? -1 : Math.min(at, this.view.labels.length - 1);
    this.texts.forEach((text, i) => { text.textContent = index < 0 ? this.view.series[i].total : this.view.series[i].texts[index]; });
    this.querySelector(".at").textContent = index < 0 ? words : this.view.labels[index];
  }
}

// <local-time>: the server's UTC text becomes the viewer's zone; UTC stays in the title.
class LocalTime extends HTMLElement {
  connectedCallback() {
    this.show();
  }
  show() {
    const time = this.firstElementChild, at = new Date(time?.dateTime);
    if (isNaN(at)) return;
    const seconds = this.hasAttribute("seconds") ? "2-digit" : undefined;
    time.textContent = at.toLocaleString("en-GB", { day: "numeric", month: "short", year: at.getFullYear() === new Date().getFullYear() ? undefined : "numeric", hour: "2-digit", minute: "2-digit", second: seconds });
  }
}

// <copy-text for="id">: a button that copies the text of that element and says so.
class CopyText extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button"), word = this.querySelector("span");
    this.hidden = !navigator.clipboard;
    button.onclick = async () => {
      await navigator.clipboard.writeText(document.getElementById(this.getAttribute("for")).textContent);
      word.textContent = "Copied";
      setTimeout(() => { word.textContent = "Copy"; }, 2000);
    };
  }
}

// A swap that morphs the page writes the server's text again.
document.addEventListener("htmx:after:swap", () => document.querySelectorAll("local-time").forEach((one) => one.show()));
// On a narrow screen the present tab may stand outside of what is seen.
for (const here of document.querySelectorAll(".tabs [aria-current]")) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 24;
customElements.define("usage-chart", UsageChart);
customElements.define("local-time", LocalTime);
customElements.define("copy-text", CopyText);
