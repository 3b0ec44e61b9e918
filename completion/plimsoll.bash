# Completion of plimsoll for bash. Commands, their options and the keys come from the program itself,
# so that they are those of the installed version.

_plimsoll_commands() {
	plimsoll help 2>/dev/null | sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p'
}

# The options of a command: those that its line of the help shows, and the common ones.
_plimsoll_options() {
	case $1 in
	line | load | model | plan | replay | report) # words of their own
		plimsoll "$1" --help 2>/dev/null | sed -n 's/^  \(--[a-z-]*\) .*/\1/p'
		return
		;;
	esac
	plimsoll help 2>/dev/null | sed -n "s/^  $1 //p; s/^  \\(--*[a-z-]*\\) .*($1[ )].*/\\1/p" | grep -oE -- '--[a-z-]+'
	echo "-c --set --help"
}

# section.key= of all keys.
_plimsoll_keys() {
	plimsoll config 2>/dev/null | awk '/^\[/ { s = substr($1, 2, length($1) - 2) } / = / { print s "." $1 "=" }'
}

_plimsoll() {
	local current=$2 previous=$3 command= i

	COMPREPLY=()
	# "--set web.listen=80" arrives as three words because "=" separates them: nothing to offer there.
	[[ $current == = || $previous == = ]] && return
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-c | --set) i=$((i + 1)) ;;
		-*) ;;
		*) command=${COMP_WORDS[i]} && break ;;
		esac
	done
	case $previous in
	-c)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	--set)
		compopt -o nospace 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -W "$(_plimsoll_keys)" -- "$current")
		return
		;;
	esac
	if [[ -z $command ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_plimsoll_commands)" -- "$current")
	elif [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_plimsoll_options "$command")" -- "$current")
	elif [[ $command =~ ^(line|load|model|plan|replay|report)$ ]]; then
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
	fi
}

complete -F _plimsoll plimsoll
