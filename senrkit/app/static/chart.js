// Charts. plotly's script comes from the kernel, once a page: nothing is fetched from anywhere else.

const INK_ON_PAPER = "#1a1a1a";
const NARROW = 480;
const CHART_OPTIONS = { displayModeBar: false, responsive: true };

class Charts {
  constructor(root, send) {
    this.root = root;
    this.send = send;
    this.waiting = new Map();
    this.drawn = new Map();
    this.later = new Map();
    this.seen = new Set();
    this.asked = false;
    for (const query of ["(prefers-color-scheme: dark)", "print"])
      window.matchMedia(query).addEventListener("change", () => this.recolor());
  }

  take(message) {
    this.waiting.set(message.id, message);
    if (window.Plotly) this.drawAll();
    else if (!this.asked) {
      this.asked = true;
      this.send({ t: "plotly" });
    }
  }

  load(bytes) {
    const script = document.createElement("script");
    script.src = URL.createObjectURL(new Blob([bytes], { type: "text/javascript" }));
    script.onload = () => {
      URL.revokeObjectURL(script.src);
      this.drawAll();
    };
    document.head.append(script);
  }

  drawAll() {
    for (const [id, message] of this.waiting) {
      const host = this.root.querySelector(`[data-figure="${id}"]`);
      if (host) this.draw(host, message);
    }
    this.waiting.clear();
  }

  // The page's own colors, light or dark. Figures are drawn for paper: what is ink or paper there is so here.
  color(layout) {
    const style = getComputedStyle(this.root);
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    Object.assign(layout, { paper_bgcolor: "#0000", plot_bgcolor: "#0000", font: { ...layout.font, color: of("ink") } });
    for (const axis of Object.keys(layout).filter((name) => /^[xy]axis/.test(name)))
      layout[axis] = { ...layout[axis], gridcolor: of("line"), linecolor: of("pale"), zerolinecolor: of("ink") };
    layout.annotations = layout.annotations?.map((one) => ({ ...one, font: { ...one.font, color: of("ink") } }));
  }

  // Marks that are ink themselves; words within a colored bar stay dark. On a dark page many are bright, and few are dark.
  ink(data) {
    const ink = getComputedStyle(this.root).getPropertyValue("--ink").trim();
    const dark = window.matchMedia("(prefers-color-scheme: dark)").matches && !window.matchMedia("print").matches;
    return data.map((trace) => {
      if (trace.type === "heatmap") return { ...trace, reversescale: dark };
      const isInk = trace.mode === "markers" && trace.marker.color === INK_ON_PAPER;
      return isInk ? { ...trace, marker: { ...trace.marker, color: ink } } : trace;
    });
  }

  // On a narrow page the title of an axis is broken into lines.
  wrap(layout) {
    for (const axis of Object.values(layout))
      if (axis?.title?.text) axis.title = { ...axis.title, text: axis.title.text.replace(/(.{12,}?)\s/g, "$1<br>") };
  }

  recolor() {
    for (const [host, { data, layout }] of this.drawn) {
      if (!host.isConnected) this.drawn.delete(host);
      else if (host.data) {
        this.color(layout);
        Plotly.react(host, this.ink(data), layout, CHART_OPTIONS);
      }
    }
  }

  // The chart is wanted after all, on a page that began with its table.
  wanted(id) {
    const message = this.later.get(id);
    this.later.delete(id);
    if (message) this.draw(this.root.querySelector(`[data-figure="${id}"]`), message);
  }

  async draw(host, message) {
    const { id, figure, label } = message;
    // On a narrow page there is no room for bars beside names: the table stands there first.
    if (host.clientWidth < NARROW && !host.hidden && !this.seen.has(id)) {
      this.seen.add(id);
      this.later.set(id, message);
      this.root.querySelector(`[data-show=table][data-of="${id}"]`)?.click();
      return;
    }
    if (host.hidden) return void this.later.set(id, message);
    host.replaceChildren();
    host.setAttribute("role", "img");
    host.setAttribute("aria-label", label);
    const layout = { ...figure.layout, title: undefined, autosize: true, width: undefined };
    layout.margin = { ...layout.margin, t: 40 };
    layout.legend = { ...layout.legend, y: 1 };
    layout.height = (figure.layout.height || 400) - 48;
    if (host.clientWidth < NARROW) this.wrap(layout);
    this.drawn.set(host, { data: figure.data, layout });
    this.color(layout);
    await Plotly.newPlot(host, this.ink(figure.data), layout, CHART_OPTIONS);
    host.on("plotly_click", ({ points: [point] }) => {
      // Of a heat map it is the place of the row and that of the column.
      const [line] = [point.pointNumber].flat();
      const series = point.data.type === "heatmap" ? String(point.x) : point.data.name || "";
      this.send({ t: "do", do: "evaluate/pick", values: { chart: id, line, series } });
    });
  }
}
