# bash completion for hearth
_hearth() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command="" part
  local commands="run chat serve stop status models route cost stop-spending model pull inspect bench doctor config version"
  local -A options=(
    [run]="--model --system --max-tokens --temperature --seed --json"
    [chat]="--model --system"
    [serve]="--model --host --port --detach"
    [status]="--json" [models]="--json" [model]="list show suggest rm load unload"
    [cost]="--by --days --json" [stop-spending]="--release --why --status" [route]="--model --json"
    [pull]="--sha256 --ranges --quiet" [inspect]="--json --template" [version]="--json"
    [bench]="--model --prompt --generate --repetitions --threads --json"
    [doctor]="--json" [config]="show check init" [stop]="")
  case $before in
    --model | --config | inspect) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    --data) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    --log-level)
      mapfile -t COMPREPLY < <(compgen -W "debug info warn error off" -- "$word"); return ;;
  esac
  for part in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ " $commands " == *" $part "* ]] && command=$part && break
  done
  local words="--data --config --log-level --help"
  [ -n "$command" ] && words+=" ${options[$command]}" || words+=" $commands"
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o filenames -F _hearth hearth
