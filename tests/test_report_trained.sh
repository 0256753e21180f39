#!/bin/bash
# A report on trained networks in a real browser: every figure is drawn, no script fails, methods can
# be switched off and curves read off also in the figure that compares models, and no name is cut.
# shellcheck source=tests/page.sh
. "$(dirname "$(realpath "$0")")/page.sh"

for width in 16 32; do
  for method in erm cutout cutmix; do
    for seed in 1 2; do
      "$CUTLAB_BINARY" train --quiet --out "$work/runs/width$width/$method-seed$seed" \
        dataset=feature-noise train_examples=200 test_examples=200 epochs=3 \
        "model=mlp(depth=1,width=$width)" method=$method seed=$seed >"$work/log" 2>&1 ||
        { cat "$work/log"; exit 1; }
    done
  done
done
# A variant, whose name has what Vega reads as a path.
"$CUTLAB_BINARY" train --quiet --out "$work/runs/width16/variant" dataset=feature-noise \
  train_examples=200 test_examples=200 epochs=3 "model=mlp(depth=1,width=16)" method=cutmix \
  alpha=0.25 >"$work/log" 2>&1
# Groups that differ in several settings, whose names are long.
for rate in 0.01 0.02; do
  for batch in 20 50; do
    for method in erm cutmix; do
      "$CUTLAB_BINARY" train --quiet --out "$work/runs/mixed/$method-$rate-$batch" \
        dataset=feature-noise train_examples=200 test_examples=200 epochs=3 \
        "model=mlp(depth=1,width=16)" method=$method learning_rate=$rate batch=$batch \
        weight_decay=0.000$batch >"$work/log" 2>&1
    done
  done
done
"$CUTLAB_BINARY" report --quiet --out "$work/report" "$work/runs" >"$work/table.txt"
# Legends of what is drawn without fonts to measure text.
if grep -l '…' "$work"/report/figures/*.svg; then
  echo "names cut"
  exit 1
fi

cat >"$work/reader.js" <<'JS'
    const labels = [...document.querySelectorAll('#all-test-accuracy .role-axis-label > text')].map(text => text.textContent);
    const told = new Set(labels.filter(label => label.includes('rate')));
    seen.push(told.size === 4 && !labels.join().includes('…') ? 'names' : `NAMES CUT (${labels})`);
    const figure = document.getElementById('all-models');
    const paths = () => [...figure.querySelectorAll('.mark-line path')].filter(p => p.getAttribute('d')).length;
    const applied = () => Number(root.dataset.applied || 0);
    const click = async element => {
      const before = applied();
      element.click();
      await until('applied', () => applied() > before);
    };
    const all = paths();
    const box = document.querySelector('#methods input[value="ERM"]');
    await click(box);
    seen.push(paths() < all ? 'method off' : 'METHOD STILL SHOWN');
    await click(box);
    seen.push(paths() === all ? 'method back' : 'METHOD NOT BACK');
    seen.push(document.querySelectorAll('#methods input').length === 4 ? 'methods' : 'OTHER METHODS');
    figure.scrollIntoView();
    await sleep(100);
    const panel = figure.querySelector('.mark-line path').closest('.mark-group, g').getBoundingClientRect();
    const at = {clientX: panel.left + panel.width * .6, clientY: panel.top + panel.height * .5, bubbles: true, cancelable: true, view: window};
    const target = document.elementFromPoint(at.clientX, at.clientY) || figure.querySelector('svg');
    for (const type of ['pointerover', 'pointermove', 'mousemove'])
      target.dispatchEvent(new (type.startsWith('pointer') ? PointerEvent : MouseEvent)(type, at));
    await sleep(100);
    const tooltip = document.getElementById('vg-tooltip-element');
    const text = tooltip && tooltip.classList.contains('visible') ? tooltip.textContent : '';
    seen.push(/epoch/.test(text) && /CutMix \(alpha=0\.25\)\s*-?[−0-9]/.test(text) ? 'tooltip' : `NO TOOLTIP (${text})`);
JS
drive_page
figures=("$work"/report/figures/*.vl.json)
[[ ${#figures[@]} == 26 ]] || { echo "expected 26 figures"; exit 1; }
expected="names, method off, method back, methods, tooltip"
open_page 380 "$expected"
open_page 1400 "$expected"
