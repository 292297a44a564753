// Charts. plotly's script comes from the kernel, once a page: nothing is fetched from anywhere else.

class Charts {
  constructor(root, send) {
    this.root = root;
    this.send = send;
    this.waiting = new Map();
    this.asked = false;
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

  async draw(host, { id, figure, label }) {
    host.replaceChildren();
    host.setAttribute("role", "img");
    host.setAttribute("aria-label", label);
    const layout = { ...figure.layout, title: undefined, autosize: true, width: undefined };
    layout.margin = { ...layout.margin, t: 40 };
    layout.legend = { ...layout.legend, y: 1 };
    layout.height = (figure.layout.height || 400) - 48;
    await Plotly.newPlot(host, figure.data, layout, { displayModeBar: false, responsive: true });
    host.on("plotly_click", ({ points: [point] }) => {
      // Of a heat map it is the place of the row and that of the column.
      const [line] = [point.pointNumber].flat();
      const series = point.data.type === "heatmap" ? String(point.x) : point.data.name || "";
      this.send({ t: "do", do: "evaluate/pick", values: { chart: id, line, series } });
    });
  }
}
