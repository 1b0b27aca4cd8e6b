#!/bin/sh
# Tests of the wheel in dist/ under every supported Python that is installed, in an environment of its own and far from the
# sources; and of the source distribution, under the last of them. Arguments: which tests, as in `watch` for test_watch.py.
# With ISYM_NO_SKIPS in the environment, as in CI, every supported Python must be there.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
folder=$root/target/pythons

# One version: `--under VERSION PYTHON FILE...`. What it says comes at once, at its end.
test_under() {
    version=$1 python=$2 wheel=$3
    shift 3
    "$python" -m venv "$folder/$version"
    bin=$folder/$version/bin
    # shellcheck disable=SC2046
    "$bin/pip" install --quiet --disable-pip-version-check $(grep '^pytest' requirements-dev.txt)
    "$bin/pip" install --quiet --disable-pip-version-check "$wheel[cli]"
    echo "== the wheel under $("$bin/python" --version)"
    cd "$folder/python"
    "$bin/python" -m pytest -q -p no:cacheprovider "$@"
}
if [ "${1:-}" = --under ]; then
    shift
    log=$folder/$1.log
    exec 3>&1 >"$log" 2>&1
    trap 'cat "$log" >&3' EXIT
    test_under "$@"
    exit
fi

rm -rf "$folder"
mkdir -p "$folder/python"
# Without those that are about the sources, and not about what is installed.
cp tests/python/*.py "$folder/python"
rm "$folder/python/test_docs.py" "$folder/python/test_types.py"
cp -R tests/contract "$folder"
files=
for name in "$@"; do
    files="$files test_$name.py"
done

find_python() {
    for python in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        if "$python" -c "import sys; sys.exit(sys.version_info[:2] != tuple(map(int, '$1'.split('.'))))" 2>/dev/null; then
            echo "$python"
            return
        fi
    done
}

# The one file of a kind; those of an earlier version must not be taken for it.
only() {
    [ $# = 1 ] && [ -f "$1" ] || { echo "dist/ must hold one wheel and one source distribution; it has: $*" >&2; exit 1; }
    echo "$1"
}
wheel=$(only dist/isymphony-*.whl)
source=$(only dist/isymphony-*.tar.gz)
if [ "$(wc -c <"$wheel")" -gt 4000000 ]; then
    echo "$wheel is larger than 4 MB" >&2
    exit 1
fi

tested= each=
for version in 3.10 3.11 3.12 3.13; do
    python=$(find_python "$version")
    if [ -z "$python" ]; then
        echo "skipped: Python $version is not installed"
        [ -z "${ISYM_NO_SKIPS:-}" ] || exit 1
        continue
    fi
    each="$each--under $version $python $wheel$files
"
    tested="$tested $version" last=$python
done
[ -n "$tested" ] || { echo "no supported Python was found" >&2; exit 1; }
# Two at a time.
printf %s "$each" | xargs -P 2 -L 1 sh tests/python/pythons.sh

# Cargo builds it with what it has built before, where it can.
"$last" -m venv "$folder/source"
CARGO_TARGET_DIR=$root/target "$folder/source/bin/pip" install --quiet --disable-pip-version-check --no-binary isymphony \
    --config-settings build-args="--profile dev" "$source"
"$folder/source/bin/python" -m isymphony demo >/dev/null
echo "== tested: the wheel under$tested; the source distribution under $("$folder/source/bin/python" --version)"
