// Charts that show their numbers and zoom, tables that sort.  The page can be read without.
(() => {
  const W = 480, H = 250, L = 56, R = 10, T = 8, B = 34, UNIT = 1000;
  const inner = { w: W - L - R, h: H - T - B };
  const NS = document.querySelector("svg.chart")?.namespaceURI;
  const say = (v) => v === 0 ? "0" : Math.abs(v) >= 1e-3 && Math.abs(v) < 1e5
    ? String(+v.toPrecision(5)) : v.toExponential(2).replace("e+", "e");

  const make = (name, attributes, text) => {
    const node = document.createElementNS(NS, name);
    for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
    if (text !== undefined) node.textContent = text;
    return node;
  };

  const marks = (low, high, log) => {
    if (log && high - low > 1.2) {
      const found = [], step = Math.max(1, Math.floor((high - low) / 6));
      for (let d = Math.ceil(low); d <= high; d += step) found.push([d, 10 ** d]);
      if (found.length > 1) return found;
    }
    const [a, b] = log ? [10 ** low, 10 ** high] : [low, high];
    const rough = (b - a) / 5, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
    const found = [];
    for (let k = Math.ceil(a / step); k * step <= b; k++) {
      const v = +(k * step).toPrecision(12);
      if (!log || v > 0) found.push([log ? Math.log10(v) : v, v]);
    }
    return found;
  };

  const enliven = (figure) => {
    const svg = figure.querySelector("svg.chart");
    const data = JSON.parse(figure.querySelector("script").textContent);
    const plot = svg.querySelector(".plot"), axes = svg.querySelector(".ticks");
    const tip = document.createElement("div");
    tip.className = "tip";
    figure.append(tip);
    const cross = make("line", { class: "cross", y1: T, y2: T + inner.h, visibility: "hidden" });
    const box = make("rect", { class: "box", visibility: "hidden" });
    svg.append(cross, box);
    const whole = { x: [data.x[0], data.x[1]], y: [data.y[0], data.y[1]] };
    let view = structuredClone(whole), from = null;
    const scaled = (v, axis) => (data[axis][2] ? Math.log10(v) : v);
    const share = (v, axis) => (v - view[axis][0]) / (view[axis][1] - view[axis][0]);

    const axesAnew = () => {
      const nodes = [];
      const below = data.names ? data.names : marks(...view.x, data.x[2]);
      for (const [at, name] of below) {
        const u = share(at, "x"), x = L + u * inner.w;
        if (u < -1e-6 || u > 1 + 1e-6) continue;
        nodes.push(make("line", { class: "grid", x1: x, x2: x, y1: T, y2: T + inner.h }));
        nodes.push(make("text", { x, y: T + inner.h + 14, "text-anchor": "middle" },
          typeof name === "number" ? say(name) : name));
      }
      for (const [at, value] of marks(...view.y, data.y[2])) {
        const y = T + (1 - share(at, "y")) * inner.h;
        nodes.push(make("line", { class: "grid", x1: L, x2: L + inner.w, y1: y, y2: y }));
        nodes.push(make("text", { x: L - 6, y: y + 4, "text-anchor": "end" }, say(value)));
      }
      axes.replaceChildren(...nodes);
    };

    const show = (next) => {
      view = next;
      const u = ["x", "y"].map((a) => view[a].map(
        (v) => (v - whole[a][0]) / (whole[a][1] - whole[a][0])));
      plot.setAttribute("viewBox", [u[0][0] * UNIT, (1 - u[1][1]) * UNIT,
        (u[0][1] - u[0][0]) * UNIT, (u[1][1] - u[1][0]) * UNIT].join(" "));
      axesAnew();
    };

    const place = (event) => {
      const r = svg.getBoundingClientRect();
      const clamp = (v, low, high) => Math.min(high, Math.max(low, v));
      return [clamp((event.clientX - r.left) / r.width * W, L, L + inner.w),
        clamp((event.clientY - r.top) / r.height * H, T, T + inner.h)];
    };
    const value = ([px, py]) => [
      view.x[0] + (px - L) / inner.w * (view.x[1] - view.x[0]),
      view.y[1] - (py - T) / inner.h * (view.y[1] - view.y[0])];

    const hover = (event) => {
      const [px, py] = place(event), [x] = value([px, py]);
      let best = null;
      for (const s of data.series) for (const v of s.x) {
        const gap = Math.abs(scaled(v, "x") - x);
        if (!best || gap < best[0]) best = [gap, v];
      }
      const named = (data.names || []).find(([at]) => at === best[1]);
      const lines = [`${data.xlabel} ${named ? named[1] : say(best[1])}`];
      for (const s of data.series) s.x.forEach((v, at) => {
        if (v === best[1] && lines.length < 16) lines.push(`${s.name}  ${say(s.y[at])}`);
      });
      const cx = L + share(scaled(best[1], "x"), "x") * inner.w;
      cross.setAttribute("x1", cx); cross.setAttribute("x2", cx);
      cross.setAttribute("visibility", cx < L || cx > L + inner.w ? "hidden" : "visible");
      tip.textContent = lines.join("\n");
      tip.style.display = "block";
      const r = svg.getBoundingClientRect(), f = figure.getBoundingClientRect();
      const left = r.left - f.left + cx / W * r.width;
      tip.style.left = cx > W * 0.6 ? `${left - tip.offsetWidth - 10}px` : `${left + 10}px`;
      tip.style.top = `${r.top - f.top + 12}px`;
    };

    svg.addEventListener("pointerdown", (event) => { from = place(event); });
    svg.addEventListener("pointermove", (event) => {
      hover(event);
      if (!from) return;
      const to = place(event);
      const set = { x: Math.min(from[0], to[0]), y: Math.min(from[1], to[1]),
        width: Math.abs(from[0] - to[0]), height: Math.abs(from[1] - to[1]), visibility: "visible" };
      for (const [k, v] of Object.entries(set)) box.setAttribute(k, v);
    });
    svg.addEventListener("pointerup", (event) => {
      const to = place(event);
      if (from && Math.abs(from[0] - to[0]) > 8 && Math.abs(from[1] - to[1]) > 8) {
        const [a, b] = [value(from), value(to)];
        const pair = (k) => [Math.min(a[k], b[k]), Math.max(a[k], b[k])];
        show({ x: pair(0), y: pair(1) });
      }
      from = null;
      box.setAttribute("visibility", "hidden");
    });
    svg.addEventListener("pointerleave", () => {
      from = null;
      tip.style.display = "none";
      for (const node of [cross, box]) node.setAttribute("visibility", "hidden");
    });
    svg.addEventListener("dblclick", () => show(structuredClone(whole)));
    figure.querySelector("figcaption").title = "drag to zoom, double-click to see all";
  };

  const sort = (table) => table.querySelectorAll("thead th").forEach((head, column) => {
    head.addEventListener("click", () => {
      const body = table.tBodies[0], down = head.dataset.order === "up";
      table.querySelectorAll("thead th").forEach((other) => delete other.dataset.order);
      head.dataset.order = down ? "down" : "up";
      const rows = [...body.rows].sort((a, b) => a.cells[column].textContent.localeCompare(
        b.cells[column].textContent, "en", { numeric: true }));
      body.replaceChildren(...(down ? rows.reverse() : rows));
    });
  });

  document.querySelectorAll("figure:has(svg.chart)").forEach((figure) => {
    if (figure.querySelector("script")) enliven(figure);
  });
  document.querySelectorAll("table.sortable").forEach(sort);
  document.documentElement.dataset.alive = "yes";
})();
