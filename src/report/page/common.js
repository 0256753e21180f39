// What the pages of reports share: making elements, numbers as text, light and dark, and figures,
// drawn one by one, those in view first. document.documentElement.dataset.figures tells how far
// that is.
const CutLab = (() => {
  'use strict';
  const root = document.documentElement;
  const page = JSON.parse(document.getElementById('data').textContent);
  let interactive; // specification of a figure at a width
  let total = 0; // figures that the page begins with
  let done = 0;
  let failed = 0;

  window.addEventListener('error', event => { root.dataset.error = event.message; });
  window.addEventListener('unhandledrejection', event => { root.dataset.error = String(event.reason); });

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === 'text') element.textContent = value;
      else if (value !== null) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  const missing = value => value === null || value === undefined;
  const css = name => getComputedStyle(root).getPropertyValue(name).trim();

  function number(value, digits) {
    if (missing(value)) return '–';
    const size = Math.abs(value);
    if (digits === 0) return Math.round(value).toLocaleString('en-GB');
    if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(1).replace('-', '−');
    return value.toFixed(digits).replace('-', '−');
  }

  // Parts of pages. <data> keeps all digits of what it shows.

  const data = (value, text) => make('data', {value: missing(value) ? '' : String(value), text});
  const cell = (...children) => make('td', {}, ...children);
  const paragraph = text => make('p', {class: 'text', text});
  const list = sentences => make('ul', {class: 'notes'}, ...sentences.map(text => make('li', {text})));

  // Tables of many rows scroll; those of few columns are narrow.
  function table(caption, note, columns, rows, id) {
    const head = make('tr', {}, ...columns.map(text => make('th', {scope: 'col', text})));
    const title = make('caption', {}, make('span', {class: 'name', text: caption}));
    if (note) title.append(make('span', {class: 'faint', text: note}));
    const shape = `${rows.length > 20 ? ' tall' : ''}${columns.length < 5 ? ' narrow' : ''}`;
    return make('div', {class: `scroll${shape}`, tabindex: '0', role: 'region', 'aria-label': caption},
      make('table', {id}, title, make('thead', {}, head), make('tbody', {}, ...rows)));
  }

  // A section, and its place in the list of sections.
  function section(id, place, title, ...children) {
    document.getElementById('sections').append(make('a', {href: `#${id}`, text: place}));
    return make('section', {id, 'aria-labelledby': `${id}-title`}, make('h2', {id: `${id}-title`, text: title}), ...children);
  }

  // [[names, what is in them], ..]
  const files = all => make('dl', {class: 'files'},
    ...all.flatMap(([file, what]) => [make('dt', {}, file), make('dd', {text: what})]));

  // Specifications: what every figure on a page has, unlike a printed one

  function rows({fields, rows}) {
    return rows.map(row => Object.fromEntries(fields.map((field, i) => [field, row[i]])));
  }

  function config() {
    const style = structuredClone(page.style);
    const [ink, soft, line, grid] = ['--ink', '--soft', '--line', '--grid'].map(css);
    style.background = 'transparent';
    style.padding = {left: 2, right: 6, top: 4, bottom: 4};
    style.font = css('font-family') || getComputedStyle(document.body).fontFamily;
    Object.assign(style.header, {labelColor: ink, labelFontSize: 13});
    Object.assign(style.axis, {labelColor: soft, titleColor: soft, gridColor: grid, domainColor: line, tickColor: line, labelFontSize: 11.5, titleFontSize: 12});
    Object.assign(style.legend, {labelColor: ink});
    return style;
  }

  function specification(figure) {
    const spec = structuredClone(figure.spec);
    delete spec.title;
    spec.config = config();
    spec.autosize = {type: 'pad', contains: 'padding'};
    spec.datasets = Object.fromEntries(Object.entries(figure.data).map(([name, table]) => [name, rows(table)]));
    return spec;
  }

  // Drawing

  function escape(value) {
    return String(value).replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);
  }

  async function draw(figure) {
    const width = Math.floor(figure.plot.clientWidth);
    figure.width = width;
    if (figure.view) figure.view.finalize();
    try {
      const result = await vegaEmbed(figure.plot, interactive(figure, width), {
        renderer: figure.canvas ? 'canvas' : 'svg', actions: false, mode: 'vega-lite',
        tooltip: {theme: 'custom', sanitize: escape},
      });
      figure.view = result.view;
      const picture = figure.plot.querySelector('svg, canvas');
      picture.setAttribute('role', 'img');
      picture.setAttribute('aria-label', `${figure.title}. ${figure.caption}`);
      figure.plot.style.minHeight = '0';
      return true;
    } catch (error) {
      figure.plot.replaceChildren(make('p', {class: 'failed', text: `This figure could not be drawn: ${error.message}`}));
      root.dataset.error = `${figure.name}: ${error.message}`;
      return false;
    }
  }

  async function drawOnce(figure) {
    if (figure.started) return;
    figure.started = true;
    if (await draw(figure)) ++done;
    else ++failed;
    const all = done + failed === total;
    root.dataset.figures = all ? `${done} ${failed ? 'failed' : 'ok'}` : `${done}/${total}`;
  }

  async function redraw() {
    for (const figure of page.figures) if (figure.view) await draw(figure);
  }

  function onResize() {
    let timer = 0;
    new ResizeObserver(() => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        for (const figure of page.figures)
          if (figure.view && Math.abs(figure.plot.clientWidth - figure.width) > 4) draw(figure);
      }, 150);
    }).observe(document.getElementById('content'));
  }

  // Figures in view first; the others one by one while nothing else is to be done, so that
  // printing finds all of them.
  async function drawAll(specify) {
    interactive = specify;
    total = page.figures.length;
    if (total === 0) root.dataset.figures = '0 ok';
    const seen = new IntersectionObserver(entries => {
      for (const entry of entries)
        if (entry.isIntersecting) drawOnce(page.figures.find(f => f.plot === entry.target));
    }, {rootMargin: '200px'});
    for (const figure of page.figures) seen.observe(figure.plot);
    for (const figure of page.figures) {
      await new Promise(resolve => setTimeout(resolve, 30));
      await drawOnce(figure);
    }
    onResize();
  }

  async function download(figure, type) {
    const url = await figure.view.toImageURL(type, 2);
    make('a', {href: url, download: `${figure.name}.${type}`}).click();
  }

  function figureElement(figure, {wide, zooms}) {
    const tools = make('div', {class: 'tools'});
    const reset = make('button', {type: 'button', text: 'reset', title: 'Undo zoom and pan'});
    reset.addEventListener('click', () => draw(figure));
    if (zooms) tools.append(reset);
    for (const type of ['svg', 'png']) {
      const button = make('button', {type: 'button', text: type, 'aria-label': `Save “${figure.title}” as ${type.toUpperCase()}`});
      button.addEventListener('click', () => download(figure, type));
      tools.append(button);
    }
    figure.plot = make('div', {class: 'plot'});
    return make('figure', {id: figure.name, class: wide ? 'wide' : null},
      make('div', {class: 'head'}, make('h3', {text: figure.title}), tools),
      make('figcaption', {text: figure.caption}), figure.plot);
  }

  // "dark" or "light" in the address decides; otherwise the system does, until the button is used.
  function theme() {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const asked = new URLSearchParams(location.hash.slice(1));
    let chosen = ['dark', 'light'].find(name => asked.has(name)) || null;
    const set = () => { root.dataset.theme = chosen || (dark.matches ? 'dark' : 'light'); };
    set();
    dark.addEventListener('change', () => { set(); redraw(); });
    document.getElementById('theme').addEventListener('click', () => {
      chosen = root.dataset.theme === 'dark' ? 'light' : 'dark';
      set();
      redraw();
    });
  }

  return {root, page, make, missing, number, css, data, cell, paragraph, list, table, section, files, specification, draw, drawAll, figureElement, theme};
})();
