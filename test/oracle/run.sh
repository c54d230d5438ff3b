#!/usr/bin/env bash
# run.sh [--seed N] [VITEST ARGUMENTS]   the tests against real Cassandra; the seed of the random writes is printed, and giving it repeats them
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
arguments=()
while (($#)); do
  case $1 in
    --seed) export LSMCTL_SEED=$2; shift 2 ;;
    --seed=*) export LSMCTL_SEED=${1#*=}; shift ;;
    *) arguments+=("$1"); shift ;;
  esac
done
exec npx vitest run --config test/oracle/vitest.config.ts --root . "${arguments[@]}"
