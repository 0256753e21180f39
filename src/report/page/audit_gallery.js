// Galleries of the examples that a method rescues and hurts most, with filters that the address
// keeps.
const CutLabGallery = (() => {
  'use strict';
  const {page, make, missing, number} = CutLab;
  const {comparisons, examples, pictures} = page.gallery;
  const illustrated = Object.keys(pictures).length > 0;
  const fates = [['rescued', 'Rescued by'], ['hurt', 'Hurt by']];
  const labelOf = comparison => page.methods[comparison.method].label;
  const data = (value, text) => make('data', {value: String(value), text});
  const difficulties = page.audit.comparisons.length ? page.audit.comparisons[0].difficulty : [];

  // Every filter: name in the address, title, the choices [value, text] (null: free text).
  const filters = [
    ['method', 'method', comparisons.map((comparison, i) => [String(i), labelOf(comparison)])],
    ['fate', 'rescued or hurt', [['', 'both'], ...fates.map(([fate]) => [fate, fate])]],
    ['class', 'class', [['', 'all'], ...page.classes.map((name, i) => [String(i), name])]],
    ['difficulty', 'difficulty', [['', 'all'], ...difficulties.map((group, i) =>
      [String(i), `${i + 1} of ${difficulties.length}${i === 0 ? ', hardest' : i === difficulties.length - 1 ? ', easiest' : ''}`])]],
    ['index', 'index contains', null],
  ];
  const controls = {};

  const fallback = name => name === 'method' ? '0' : '';
  const value = name => controls[name].value.trim() || fallback(name);

  function readAddress() {
    const asked = new URLSearchParams(location.hash.slice(1));
    for (const [name, , choices] of filters) {
      const wanted = asked.get(name);
      const known = !choices || choices.some(choice => choice[0] === wanted);
      controls[name].value = wanted !== null && known ? wanted : fallback(name);
    }
  }

  function writeAddress() {
    const address = new URLSearchParams(location.hash.slice(1));
    for (const [name] of filters) {
      if (value(name) === fallback(name)) address.delete(name);
      else address.set(name, value(name));
    }
    const text = address.toString().replace(/=(?=&|$)/g, '');
    history.replaceState(null, '', text ? `#${text}` : '#gallery');
  }

  const wanted = place => {
    const example = examples[place];
    return (!value('class') || example.label === Number(value('class')))
      && (!value('difficulty') || example.group === Number(value('difficulty')))
      && String(example.index).includes(value('index'));
  };

  // Parts of an example

  const scoreOf = example => missing(example.score) ? example.difficulty : example.score;
  const scoreTitle = page.scores ? 'score' : 'mean rank';
  const trainings = method => page.audit.methods[page.methods[method].label].trainings;

  // How many trainings are right, and the class that most of them predict.
  const rightOf = ([, share], m) => [data(share, `${Math.round(share * trainings(m))} of ${trainings(m)}`), ' right'];
  const predicted = ([prediction], label) => {
    const right = prediction === label;
    return make('span', {class: right ? 'right' : 'wrong', text: `${right ? '✓' : '✗'} ${page.classes[prediction]}`});
  };

  function card(place) {
    const example = examples[place];
    const name = page.classes[example.label];
    const image = place in pictures
      ? [make('img', {src: `data:image/png;base64,${pictures[place]}`, alt: `Example ${example.index}, ${name}`, loading: 'lazy'})] : [];
    return make('li', {class: 'card', 'data-example': example.index}, ...image,
      make('div', {class: 'title', text: name}),
      make('div', {class: 'where'}, `no. ${example.index}, ${scoreTitle} `, data(scoreOf(example), number(scoreOf(example), 3))),
      make('dl', {}, ...example.methods.map((method, m) =>
        make('div', {style: `--method: ${page.methods[m].colour}`},
          make('dt', {}, `${page.methods[m].label}: `, ...rightOf(method, m)), make('dd', {}, predicted(method, example.label))))));
  }

  function row(place) {
    const example = examples[place];
    return make('tr', {'data-example': example.index},
      make('th', {scope: 'row', class: 'plain', text: example.index}), make('td', {text: page.classes[example.label]}),
      make('td', {}, data(scoreOf(example), number(scoreOf(example), 3))),
      ...example.methods.map((method, m) => make('td', {}, predicted(method, example.label), ', ', ...rightOf(method, m))));
  }

  function table(places, title) {
    const head = ['index', 'class', scoreTitle, ...page.methods.map(method => method.label)];
    return make('div', {class: 'scroll tall', tabindex: '0', role: 'region', 'aria-label': title},
      make('table', {}, make('caption', {text: title}),
        make('thead', {}, make('tr', {}, ...head.map(text => make('th', {scope: 'col', text})))),
        make('tbody', {}, ...places.map(row))));
  }

  // The section

  function show(results, status) {
    const comparison = comparisons[Number(value('method'))];
    let count = 0;
    let all = 0;
    results.replaceChildren();
    for (const [fate, title] of fates) {
      all += comparison[fate].length;
      if (value('fate') && value('fate') !== fate) continue;
      const places = comparison[fate].filter(wanted);
      count += places.length;
      const heading = `${title} ${labelOf(comparison)}`;
      results.append(make('h3', {text: `${heading}: ${places.length}`}));
      if (places.length)
        results.append(illustrated ? make('ul', {class: 'cards'}, ...places.map(card)) : table(places, heading));
    }
    status.textContent = `${count} of ${all} examples shown.`;
    status.dataset.count = count;
  }

  function control([name, title, choices], update) {
    const input = choices
      ? make('select', {name}, ...choices.map(([key, text]) => make('option', {value: key, text})))
      : make('input', {type: 'search', name, inputmode: 'numeric', autocomplete: 'off'});
    controls[name] = input;
    input.addEventListener('input', update);
    return make('label', {}, title, input);
  }

  function section(frame) {
    const results = make('div', {id: 'examples'});
    const status = make('p', {id: 'shown', role: 'status', 'aria-live': 'polite'});
    const update = () => {
      writeAddress();
      show(results, status);
    };
    const form = make('form', {class: 'filters', 'aria-label': 'Which examples to show'}, ...filters.map(filter => control(filter, update)));
    const clear = make('button', {type: 'reset', text: 'all'});
    form.append(clear);
    form.addEventListener('reset', () => setTimeout(update));
    form.addEventListener('submit', event => event.preventDefault());
    readAddress();
    window.addEventListener('hashchange', () => {
      if (!new URLSearchParams(location.hash.slice(1)).toString().includes('=')) return;
      readAddress();
      show(results, status);
    });
    show(results, status);
    const most = Math.max(...comparisons.map(comparison => Math.max(comparison.rescued.length, comparison.hurt.length)));
    return frame('gallery', 'Examples rescued and hurt most',
      make('p', {class: 'text', text: `For each method up to ${most} examples, those first whose share of right trainings changes most; ✓ or ✗ and what most trainings of a method predict. All examples are in examples.csv.`}),
      form, status, results);
  }

  return {section};
})();
