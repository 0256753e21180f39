#!/bin/bash
# A report in a real browser: every figure is drawn, no script fails, the controls, the tooltip
# and the zoom work, and nothing is asked of the network.
# shellcheck source=tests/page.sh
. "$(dirname "$(realpath "$0")")/page.sh"

for method in erm cutout cutmix; do
  for seed in 1 2; do
    "$CUTLAB_BINARY" simulate --preset quick --method $method --seed $seed --quiet \
      --out "$work/runs/quick/$method-seed$seed" iterations=100 log_points=11 >"$work/log" 2>&1 ||
      { cat "$work/log"; exit 1; }
  done
done
"$CUTLAB_BINARY" report --quiet --out "$work/report" "$work/runs" >"$work/table.txt"

# The page with a script that plays the reader and leaves what it saw in data-test.
cat >"$work/reader.js" <<'JS'
    const figure = document.querySelector('figure[id$="-features"]');
    const paths = () => [...figure.querySelectorAll('.mark-line path')].map(p => p.getAttribute('d')).filter(d => d).length;
    const shape = () => [...figure.querySelectorAll('.mark-line path')].map(p => p.getAttribute('d')).sort().join(' ');
    const applied = () => Number(root.dataset.applied || 0);
    const click = async element => {
      const before = applied();
      element.click();
      await until('applied', () => applied() > before);
    };
    const all = paths();
    await click(document.querySelector('#methods input[value="ERM"]'));
    seen.push(paths() < all ? 'method off' : 'METHOD STILL SHOWN');
    await click(document.querySelector('#methods input[value="ERM"]'));
    seen.push(paths() === all ? 'method back' : 'METHOD NOT BACK');
    const both = shape();
    await click(document.querySelector('#seeds input[value="2"]'));
    seen.push(shape() !== both ? 'seed off' : 'SEED STILL SHOWN');
    await click(document.querySelector('#seeds input[value="2"]'));

    figure.scrollIntoView();
    await sleep(100);
    const svg = figure.querySelector('svg');
    const panel = figure.querySelector('.mark-line path').closest('.mark-group, g').getBoundingClientRect();
    const at = {clientX: panel.left + panel.width * .6, clientY: panel.top + panel.height * .5, bubbles: true, cancelable: true, view: window};
    const target = document.elementFromPoint(at.clientX, at.clientY) || svg;
    for (const type of ['pointerover', 'pointermove', 'mousemove'])
      target.dispatchEvent(new (type.startsWith('pointer') ? PointerEvent : MouseEvent)(type, at));
    await sleep(100);
    const tooltip = document.getElementById('vg-tooltip-element');
    seen.push(tooltip && tooltip.classList.contains('visible') && /CutMix/.test(tooltip.textContent) ? 'tooltip' : 'NO TOOLTIP');
    const unzoomed = shape();
    target.dispatchEvent(new WheelEvent('wheel', {...at, deltaY: -240, ctrlKey: true}));
    await until('zoomed', () => shape() !== unzoomed);
    seen.push('zoom');
    figure.querySelector('.tools button').click();
    await until('zoom undone', () => shape() === both);
    seen.push('reset');
    seen.push(performance.getEntriesByType('resource').some(e => !/^(data|blob|file):/.test(e.name)) ? 'NETWORK' : 'offline');
JS
drive_page
expected="method off, method back, seed off, tooltip, zoom, reset, offline"
open_page 380 "$expected"
open_page 1400 "$expected"
