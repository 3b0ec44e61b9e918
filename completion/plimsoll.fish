# Completion of plimsoll for fish; what there is comes from the program itself.
function __plimsoll_commands
	plimsoll help 2>/dev/null | string match -rg '^  ([a-z]+) '
end
function __plimsoll_keys
	plimsoll config 2>/dev/null | awk '/^\[/ { s = substr($1, 2, length($1) - 2) } / = / { print s "." $1 "=" }'
end
function __plimsoll_options
	set -l command (commandline -opc)[2]
	if contains -- "$command" line load model plan replay report # words of their own
		plimsoll $command --help 2>/dev/null | string match -rg '^  (--[a-z-]+) '
		return
	end
	plimsoll help 2>/dev/null | sed -n "s/^  $command //p; s/^  \(--*[a-z-]*\) .*("$command"[ )].*/\1/p" | string match -arg -- '(--[a-z-]+)'
end
complete -c plimsoll -f
complete -c plimsoll -n 'test (count (commandline -opc)) -eq 1' -a '(__plimsoll_commands)'
complete -c plimsoll -n 'test (count (commandline -opc)) -gt 1' -a '(__plimsoll_options)'
complete -c plimsoll -n 'contains -- (commandline -opc)[2] line load model plan replay report' -F
complete -c plimsoll -s c -r -F -d 'configuration file'
complete -c plimsoll -l set -x -a '(__plimsoll_keys)' -d 'one key over the file'
complete -c plimsoll -l help -d 'prints the commands and options'
