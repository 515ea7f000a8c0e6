/* Figures that tell their values and zoom, and parts that open. The page is whole without it. */
(() => {
  "use strict";

  const NEAR = 22; // Lengths are those of a drawing's own coordinates.
  const SMALLEST_DRAG = 8;
  const STEP = 0.6;
  const MARKER_SIZE = 2.6;

  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  /* A scale between data and the drawing; `from` and `to` are where its limits lie. */
  const makeScale = ({ log, limits }, from, to) => {
    const go = log ? Math.log10 : value => value;
    const back = log ? value => 10 ** value : value => value;
    const [low, high] = limits.map(go);
    return {
      log,
      limits,
      at: value => from + ((go(value) - low) / (high - low)) * (to - from),
      value: at => back(low + ((at - from) / (to - from)) * (high - low)),
    };
  };

  /* Round numbers between two limits, some five of them. */
  const ticks = (low, high) => {
    const rough = (high - low) / 5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map(times => times * power).find(size => size >= rough);
    const found = [];
    for (let n = Math.ceil(low / step); n * step <= high; n += 1) found.push(n * step);
    return { found, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
  };

  const logTicks = (low, high) => {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power += 1) {
      for (const times of [1, 2, 5]) {
        const value = times * 10 ** power;
        if (value >= low && value <= high) found.push(value);
      }
    }
    return found;
  };

  const written = value =>
    value >= 100
      ? Math.round(value).toLocaleString("en-US")
      : String(Number(value.toPrecision(3)));

  const shapes = {
    o: (x, y, r) => `M${x - r},${y}a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0z`,
    s: (x, y, r) => `M${x - r},${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
    "^": (x, y, r) => `M${x},${y - r}l${r},${2 * r}h${-2 * r}z`,
    v: (x, y, r) => `M${x},${y + r}l${r},${-2 * r}h${-2 * r}z`,
    D: (x, y, r) => `M${x},${y - 1.3 * r}l${1.3 * r},${1.3 * r}l${-1.3 * r},${1.3 * r}l${-1.3 * r},${-1.3 * r}z`,
    P: (x, y, r) => `M${x - r},${y}h${2 * r}M${x},${y - r}v${2 * r}`,
  };

  let numbered = 0;

  class Interactive {
    constructor(figure) {
      this.figure = figure;
      this.drawing = figure.querySelector(".drawing");
      this.still = this.drawing.querySelector("svg");
      this.chart = JSON.parse(figure.dataset.chart);
      this.number = numbered;
      numbered += 1;
      const caption = figure.querySelector("figcaption");
      this.title = caption.firstChild.textContent.trim().split(/[.:]\s/)[0];
      this.overlay = this.make("svg", {
        viewBox: `0 0 ${this.chart.size.join(" ")}`,
        class: "overlay",
        role: "group",
        "aria-label": `Values: ${this.title}. Arrow keys go from value to value${
          this.chart.zoom ? ", plus and minus zoom, 0 shows all" : ""
        }.`,
      });
      this.drawing.append(this.overlay);
      this.tip = document.createElement("div");
      this.tip.className = "tip";
      this.tip.hidden = true;
      this.tip.setAttribute("aria-hidden", "true"); // The point that has the focus says the same.
      this.drawing.append(this.tip);
      this.current = [0, 0];
      this.show(this.chart.x.limits, this.chart.y.limits);
      this.listen();
      if (this.chart.zoom) this.addButtons();
    }

    make(tag, attributes, parent) {
      const element = document.createElementNS(this.still.namespaceURI, tag);
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      if (parent) parent.append(element);
      return element;
    }

    get isZoomed() {
      return this.figure.classList.contains("zoomed");
    }

    show(xLimits, yLimits) {
      const [left, top, right, bottom] = this.chart.box;
      const { x, y } = this.chart;
      this.x = makeScale({ log: x.log, limits: xLimits }, left, right);
      this.y = makeScale({ log: y.log, limits: yLimits }, bottom, top);
      const all = [xLimits, yLimits].flat().every(
        (limit, place) => limit === [x.limits, y.limits].flat()[place],
      );
      const focused = this.overlay.contains(document.activeElement);
      this.figure.classList.toggle("zoomed", !all);
      this.overlay.replaceChildren();
      if (!all) this.draw();
      this.addPoints();
      this.rectangle = this.make("rect", { class: "chosen", visibility: "hidden" }, this.overlay);
      if (this.reset) this.reset.disabled = all;
      this.hideTip();
      if (focused) this.focusNearest();
    }

    /* What the still drawing shows, for other limits. */
    draw() {
      const [left, top, right, bottom] = this.chart.box;
      const clip = `clip-${this.number}`;
      const clipPath = this.make("clipPath", { id: clip }, this.overlay);
      this.make(
        "rect",
        { x: left, y: top, width: right - left, height: bottom - top },
        clipPath,
      );
      this.drawTicks();
      const inside = this.make("g", { "clip-path": `url(#${clip})` }, this.overlay);
      for (const level of this.chart.levels) {
        const y = this.y.at(level);
        this.make("path", { d: `M${left},${y}H${right}`, class: "level" }, inside);
      }
      for (const series of this.chart.series) this.drawSeries(series, inside);
    }

    drawTicks() {
      const [left, top, right, bottom] = this.chart.box;
      const [xLow, xHigh] = this.x.limits;
      let along = this.x.log ? logTicks(xLow, xHigh) : ticks(xLow, xHigh).found;
      if (along.length < 3) along = ticks(xLow, xHigh).found;
      while (along.length > 8) along = along.filter((_, place) => place % 2 === 0);
      for (const value of along) {
        const x = this.x.at(value);
        this.make("path", { d: `M${x},${bottom}v3.5`, class: "tick" }, this.overlay);
        const words = this.make(
          "text",
          { x, y: bottom + 13, "text-anchor": "middle" },
          this.overlay,
        );
        words.textContent = written(value);
      }
      const up = ticks(...this.y.limits);
      for (const value of up.found) {
        const y = this.y.at(value);
        this.make("path", { d: `M${left},${y}H${right}`, class: "grid" }, this.overlay);
        const words = this.make(
          "text",
          { x: left - 6, y: y + 3, "text-anchor": "end", class: "small" },
          this.overlay,
        );
        words.textContent = value.toFixed(up.digits);
      }
    }

    drawSeries(series, inside) {
      const colour = `var(--series-${series.colour})`;
      const at = series.points.map(point => [this.x.at(point.x), this.y.at(point.y)]);
      const limited = series.points.filter(point => point.lower !== null && point.upper !== null);
      if (series.is_band && limited.length) {
        const ahead = limited.map(point => `${this.x.at(point.x)},${this.y.at(point.upper)}`);
        const back = limited.map(point => `${this.x.at(point.x)},${this.y.at(point.lower)}`);
        const d = `M${[...ahead, ...back.reverse()].join("L")}z`;
        this.make("path", { d, style: `fill: ${colour}; stroke: none`, opacity: 0.14 }, inside);
      } else if (!series.is_band) {
        for (const point of limited) {
          const x = this.x.at(point.x);
          const d = `M${x},${this.y.at(point.lower)}V${this.y.at(point.upper)}`;
          this.make("path", { d, style: `stroke: ${colour}; fill: none` }, inside);
        }
      }
      if (series.is_line) {
        const dash = series.dash.length ? `; stroke-dasharray: ${series.dash.map(n => n * 1.7).join(" ")}` : "";
        const style = `stroke: ${colour}; fill: none; stroke-width: ${series.is_hollow ? 1.1 : 1.7}${dash}`;
        this.make("path", { d: `M${at.map(([x, y]) => `${x},${y}`).join("L")}`, style }, inside);
      }
      const shape = shapes[series.marker];
      if (!shape) return;
      const size = series.is_hollow ? 4 : MARKER_SIZE;
      const style = `stroke: ${colour}; fill: ${series.is_hollow ? "none" : colour}; stroke-width: 1.3`;
      for (const [x, y] of at) this.make("path", { d: shape(x, y, size), style }, inside);
    }

    /* Every value: seen when near the pointer, reached by keys. */
    addPoints() {
      const [left, top, right, bottom] = this.chart.box;
      this.points = [];
      this.chart.series.forEach((series, row) => {
        series.points.forEach((point, column) => {
          const [x, y] = [this.x.at(point.x), this.y.at(point.y)];
          if (x < left - 1 || x > right + 1 || y < top - 1 || y > bottom + 1) return;
          const element = this.make(
            "circle",
            { cx: x, cy: y, r: 6, class: "value", role: "img", "aria-label": point.text, tabindex: -1 },
            this.overlay,
          );
          element.style.setProperty("--own", `var(--series-${series.colour})`);
          this.points.push({ row, column, x, y, text: point.text, element });
        });
      });
      const kept = this.find(...this.current) ?? this.points[0];
      if (kept) this.choose(kept);
    }

    find(row, column) {
      return this.points.find(point => point.row === row && point.column === column);
    }

    choose(point) {
      for (const other of this.points) other.element.setAttribute("tabindex", -1);
      point.element.setAttribute("tabindex", 0);
      this.current = [point.row, point.column];
    }

    focusNearest() {
      const kept = this.find(...this.current) ?? this.points[0];
      if (kept) kept.element.focus({ preventScroll: true });
    }

    showTip(point) {
      for (const other of this.points) other.element.classList.toggle("near", other === point);
      this.tip.textContent = point.text;
      this.tip.hidden = false;
      const scale = this.overlay.getBoundingClientRect().width / this.chart.size[0];
      const widest = this.drawing.clientWidth - this.tip.offsetWidth;
      const above = point.y * scale - this.tip.offsetHeight - 12;
      this.tip.style.left = `${clamp(point.x * scale - this.tip.offsetWidth / 2, 0, Math.max(0, widest))}px`;
      this.tip.style.top = `${above < 0 ? point.y * scale + 14 : above}px`;
    }

    hideTip() {
      this.tip.hidden = true;
      for (const point of this.points) point.element.classList.remove("near");
    }

    place(event) {
      const frame = this.overlay.getBoundingClientRect();
      const scale = this.chart.size[0] / frame.width;
      return [(event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale];
    }

    nearest(x, y) {
      let [best, least] = [null, NEAR];
      for (const point of this.points) {
        const distance = Math.hypot(point.x - x, point.y - y);
        if (distance < least) [best, least] = [point, distance];
      }
      return best;
    }

    listen() {
      const { overlay } = this;
      overlay.addEventListener("pointermove", event => {
        const [x, y] = this.place(event);
        if (this.from) {
          this.drag(x, y);
          return;
        }
        const point = this.nearest(x, y);
        if (point) this.showTip(point);
        else this.hideTip();
      });
      overlay.addEventListener("pointerleave", () => {
        if (!this.from) this.hideTip();
      });
      overlay.addEventListener("focusin", event => {
        const point = this.points.find(one => one.element === event.target);
        if (!point) return;
        this.choose(point);
        this.showTip(point);
      });
      overlay.addEventListener("focusout", () => this.hideTip());
      overlay.addEventListener("keydown", event => this.key(event));
      overlay.addEventListener("pointerdown", event => {
        if (event.pointerType === "touch") {
          const point = this.nearest(...this.place(event));
          if (point) this.showTip(point);
        } else if (this.chart.zoom && event.button === 0) {
          this.from = this.place(event);
          overlay.setPointerCapture(event.pointerId);
          event.preventDefault();
        }
      });
      overlay.addEventListener("pointerup", event => this.drop(...this.place(event)));
      overlay.addEventListener("pointercancel", () => this.drop(null, null));
      if (!this.chart.zoom) return;
      overlay.addEventListener("dblclick", () => this.all());
      overlay.addEventListener(
        "wheel",
        event => {
          // The wheel alone goes on down the page.
          if (!event.ctrlKey && !event.metaKey) return;
          event.preventDefault();
          this.zoom(event.deltaY < 0 ? STEP : 1 / STEP, ...this.place(event));
        },
        { passive: false },
      );
    }

    corners(x, y) {
      const [left, top, right, bottom] = this.chart.box;
      const xs = [this.from[0], x].map(value => clamp(value, left, right)).sort((a, b) => a - b);
      const ys = [this.from[1], y].map(value => clamp(value, top, bottom)).sort((a, b) => a - b);
      return [xs, ys];
    }

    drag(x, y) {
      const [xs, ys] = this.corners(x, y);
      const found = { x: xs[0], y: ys[0], width: xs[1] - xs[0], height: ys[1] - ys[0] };
      for (const [name, value] of Object.entries({ ...found, visibility: "visible" })) {
        this.rectangle.setAttribute(name, value);
      }
    }

    drop(x, y) {
      if (!this.from) return;
      const [xs, ys] = x === null ? [[0, 0], [0, 0]] : this.corners(x, y);
      this.from = null;
      this.rectangle.setAttribute("visibility", "hidden");
      if (xs[1] - xs[0] < SMALLEST_DRAG || ys[1] - ys[0] < SMALLEST_DRAG) return;
      const yLimits = [this.y.value(ys[1]), this.y.value(ys[0])];
      const middle = (yLimits[0] + yLimits[1]) / 2;
      const half = Math.max(yLimits[1] - yLimits[0], this.leastHeight) / 2;
      this.show(xs.map(this.x.value), [middle - half, middle + half]);
    }

    /* With less than this the axis' numbers would need more digits than there is room for. */
    get leastHeight() {
      const [low, high] = this.chart.y.limits;
      return (high - low) / 50;
    }

    all() {
      this.show(this.chart.x.limits, this.chart.y.limits);
    }

    /* Shows `factor` times as much of each axis; the place given stays where it is. */
    zoom(factor, x, y) {
      const [left, top, right, bottom] = this.chart.box;
      const about = [x ?? (left + right) / 2, y ?? (top + bottom) / 2];
      const ends = (place, from, to) => [
        place - (place - from) * factor,
        place + (to - place) * factor,
      ];
      const [xs, ys] = [ends(about[0], left, right), ends(about[1], top, bottom)];
      const whole = this.chart;
      const within = (values, limits) => values.map(value => clamp(value, ...limits));
      const xLimits = within(xs.map(this.x.value), whole.x.limits);
      const yLimits = within([this.y.value(ys[1]), this.y.value(ys[0])], whole.y.limits);
      if (factor < 1 && yLimits[1] - yLimits[0] < this.leastHeight) return;
      this.show(xLimits, yLimits);
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const here = this.find(...this.current);
      const own = this.points.filter(point => here && point.row === here.row);
      const place = own.indexOf(here);
      let next = null;
      switch (event.key) {
        case "ArrowRight":
          next = own[place + 1] ?? here;
          break;
        case "ArrowLeft":
          next = own[place - 1] ?? here;
          break;
        case "Home":
          next = own[0];
          break;
        case "End":
          next = own.at(-1);
          break;
        case "ArrowDown":
        case "ArrowUp":
          next = this.otherRow(here, event.key === "ArrowDown" ? 1 : -1);
          break;
        case "+":
        case "=":
          if (this.chart.zoom) this.zoom(STEP, here?.x, here?.y);
          break;
        case "-":
          if (this.chart.zoom) this.zoom(1 / STEP, here?.x, here?.y);
          break;
        case "0":
          if (this.chart.zoom) this.all();
          break;
        case "Escape":
          this.hideTip();
          break;
        default:
          return;
      }
      event.preventDefault();
      if (next) next.element.focus({ preventScroll: true });
    }

    otherRow(here, step) {
      const rows = [...new Set(this.points.map(point => point.row))];
      const row = rows[(rows.indexOf(here.row) + step + rows.length) % rows.length];
      const others = this.points.filter(point => point.row === row);
      return others.reduce((a, b) =>
        Math.abs(b.x - here.x) < Math.abs(a.x - here.x) ? b : a,
      );
    }

    addButtons() {
      const tools = document.createElement("div");
      tools.className = "figure-tools";
      const button = (words, label, act) => {
        const made = document.createElement("button");
        made.type = "button";
        made.textContent = words;
        made.setAttribute("aria-label", `${label}: ${this.title}`);
        made.title = `${label} (or drag over a part; Ctrl and wheel)`;
        made.addEventListener("click", act);
        tools.append(made);
        return made;
      };
      button("+", "Zoom in", () => this.zoom(STEP));
      button("−", "Zoom out", () => this.zoom(1 / STEP));
      this.reset = button("Show all", "Show all", () => this.all());
      this.reset.disabled = true;
      this.drawing.after(tools);
    }
  }

  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    new Interactive(figure);
  }

  /* Parts that are folded open when something in them is asked for, and all of them on paper. */
  const folds = [...document.querySelectorAll("details")];
  const openFor = element => {
    for (let one = element; one; one = one.parentElement) {
      if (one.tagName === "DETAILS") one.open = true;
    }
    const own = element.querySelector(":scope > details.fold");
    if (own) own.open = true;
  };
  const openTarget = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    openFor(target);
    target.scrollIntoView({ behavior: "instant" });
  };
  window.addEventListener("hashchange", openTarget);
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    link.addEventListener("click", () => {
      const target = document.getElementById(link.hash.slice(1));
      if (target) openFor(target);
    });
  }
  if (location.hash) openTarget();

  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = folds.filter(fold => !fold.open);
    for (const fold of opened) fold.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const fold of opened) fold.open = false;
  });

  const all = document.querySelector("[data-open-all]");
  if (all) {
    const parts = [...document.querySelectorAll("details.fold")];
    const renew = () => {
      const closed = parts.some(part => !part.open);
      all.textContent = closed ? "Open all parts" : "Close all parts";
    };
    all.hidden = false;
    all.addEventListener("click", () => {
      const open = parts.some(part => !part.open);
      for (const part of parts) part.open = open;
      renew();
    });
    for (const part of parts) part.addEventListener("toggle", renew);
  }
})();
