# Sourced by the other scripts: announces each step of a long run with its time.
# shellcheck shell=bash
step_began=
step() {
  step_done
  step_name=$1
  step_began=$SECONDS
  printf '\n==> %s  (%s)\n' "$step_name" "$(date +%H:%M:%S)"
}
step_done() {
  [ -z "$step_began" ] || printf '    %s: %d s\n' "$step_name" $((SECONDS - step_began))
  step_began=
}
