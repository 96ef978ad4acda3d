#!/bin/sh
# Trains the method, reads its run with every command and uses its model.
# Usage: test.sh OWN_PROGRAM [HARDY]   (with HARDY also the plain program reads the run)
set -eu
own=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work"
"$own" data synth "$work/corpus" --sessions 3 --dialogues 3 --modalities 2 --widths m1=12,m2=12
"$own" run "$work/corpus" --method tiny --track unified --set tiny.epochs=3 --out "$work/run" \
  --quiet --no-cache
for program in "$own" ${2:+"$2"}; do
  "$program" stats "$work/run" > /dev/null
  "$program" report "$work/run" --out "$work/report.html"
  "$program" check "$work/run" > /dev/null
done
"$own" evaluate "$work/run" "$work/corpus" --quiet > /dev/null
"$own" predict "$work/run" "$work/corpus" | head -n 3
"$own" explain "$work/run" "$work/corpus" > /dev/null
"$own" bundle info "$work/run" > /dev/null
echo "own_method: fine"
