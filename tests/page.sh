# What the tests of reports in a real browser share; they source it. Skips without a browser. Makes
# the folder $work, which goes when the shell ends; the report is expected in $work/report, its page
# under the name $page.
# shellcheck shell=bash
set -euo pipefail
export OMP_WAIT_POLICY=passive

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ]; then
  echo "skipped: no chromium on PATH"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
page=report.html

# drive_page: the report with the body of the script $work/reader.js at its end, as driven.html beside
# it. The body plays the reader once the figures are drawn and leaves what it saw in `seen`, which
# becomes the page's data-test.
drive_page() {
  {
    head -n -2 "$work/report/$page"
    cat <<'JS'
<script>
(async () => {
  const root = document.documentElement;
  const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));
  const until = async (what, test) => {
    for (let i = 0; i < 400; ++i) {
      if (test()) return;
      await sleep(25);
    }
    throw new Error('never: ' + what);
  };
  const seen = [];
  try {
    await until('figures drawn', () => / (ok|failed)$/.test(root.dataset.figures || ''));
JS
    cat "$work/reader.js"
    cat <<'JS'
  } catch (error) {
    seen.push('FAILED: ' + error.message);
  }
  root.dataset.test = seen.join(', ');
})();
</script>
</body>
</html>
JS
  } >"$work/report/driven.html"
}

# open_page WIDTH EXPECTED [ADDRESS]: the driven page in a window so wide draws every figure, writes
# nothing to the console, and its script saw EXPECTED. ADDRESS: what follows the page's, "#dark".
open_page() {
  local root figures
  "$browser" --no-sandbox --headless=new --disable-gpu --user-data-dir="$work/profile" \
    --virtual-time-budget=30000 --window-size="$1",900 --enable-logging=stderr \
    --dump-dom "file://$work/report/driven.html${3:-}" >"$work/dom.html" 2>"$work/browser.log"
  root=$(grep -o '<html[^>]*>' "$work/dom.html" | head -1)
  echo "$1 px: $root"
  if grep 'CONSOLE' "$work/browser.log"; then exit 1; fi
  if [[ $root == *data-error* ]]; then exit 1; fi
  figures=$(find "$work/report/figures" -name "*.vl.json" | wc -l)
  [[ $root == *"data-figures=\"$figures ok\""* ]] || { echo "expected $figures figures"; exit 1; }
  [[ $root == *"data-test=\"$2\""* ]] || { echo "expected: $2"; exit 1; }
}
