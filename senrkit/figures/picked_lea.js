var chart = document.getElementById("lea-chart");
var said = document.getElementById("lea-said");
var choice = document.getElementById("lea");
function draw() {
  var lea = leas[choice.value];
  var bars = frame.data.map(function (bar, at) {
    var counts = lea.counts[at];
    var words = counts.map(function (count) { return count ? count.toLocaleString("en-US") : ""; });
    return Object.assign({}, bar, { x: counts, y: lea.schools, text: words });
  });
  var layout = Object.assign({}, frame.layout, { height: lea.height });
  layout.legend = Object.assign({}, frame.layout.legend, { y: 1 - 44 / lea.height });
  said.textContent = lea.said;
  chart.setAttribute("aria-label", lea.said);
  chart.style.height = lea.height + "px";
  if (window.Plotly) Plotly.react(chart, bars, layout, { displaylogo: false, responsive: true, modeBarButtons: [["toImage"]] });
}
choice.addEventListener("change", draw);
draw();
