# Completion of pronghorn for bash. Made by
# pronghorn --print-options=bash

_pronghorn()
{
	local word=${COMP_WORDS[COMP_CWORD]}
	local before=${COMP_WORDS[COMP_CWORD - 1]}
	local flags="
	    -c --config -h --help -v --version --check-config
	    --print-config --print-options -b --bind -w --workers --backlog
	    --reuse-port -t --timeout --graceful-timeout -p --pid --chdir
	    --error-logfile --log-file --log-level --log-syslog
	    --log-syslog-to --log-syslog-prefix --log-syslog-facility -n
	    --name --boot-timeout --respawn-backoff --respawn-limit
	    --control-socket --no-control-socket --control-socket-mode -u
	    --user -g --group --initgroups --no-initgroups -m --umask
	    --socket-mode -D --daemon -R --enable-stdio-inheritance
	    --upgrade-auto --reload --reload-engine --reload-extra-file
	    --reload-strategy --worker-nice --cpu-affinity --no-new-privs
	    -e --env --metrics-bind --drain-delay --statsd-host
	    --statsd-prefix --dogstatsd-tags --app --threads
	    --compute-threads --preload --worker-connections --keep-alive
	    --access-logfile --access-logformat --access-log-json
	    --access-log-sample --disable-redirect-access-to-syslog
	    --capture-output --limit-request-line --limit-request-fields
	    --limit-request-field_size --limit-request-head --header-map
	    --limit-request-body --tmp-upload-dir --upload-buffer
	    --limit-upload --limit-upload-total --limit-json-depth
	    --limit-json-nodes --limit-request-memory --limit-queue
	    --header-timeout --body-timeout --send-timeout --www-dir
	    --data-dir --allowed-host --any-origin --trusted-origin
	    --csrf-token --csrf-token-name --csrf-header-name
	    --content-security-policy --csp-extra --frame-ancestors
	    --referrer-policy --request-timeout --disconnect-grace-period
	    --thread-timeout --max-requests --max-requests-jitter
	    --max-worker-memory --debug --debug-notice --limit-chunk-line
	    --limit-client-connections --send-memory --min-rate
	    --limit-body-ratio --assets-folder --packages-folder --sendfile
	    --no-sendfile --answer-memory --compress-level
	    --compress-min-size --certfile --keyfile --sni-certfile
	    --ca-certs --cert-reqs --ciphers --tls-min-version
	    --tls-ticket-period --tls-handshake-timeout --http-protocols
	    --http2-max-concurrent-streams --http2-initial-window-size
	    --http2-max-frame-size --http2-max-header-list-size
	    --forwarded-allow-ips --client-ip-header --secure-scheme-header
	    --proxy-protocol --proxy-allow-from --url-base-pathname
	    --requests-pathname-prefix --routes-pathname-prefix
	    --metrics-public --session-secret --session-secret-file
	    --session-cookie-name --session-lifetime --session-idle-timeout
	    --session-store-timeout --compress-session --cache-type
	    --cache-dir --cache-default-timeout --cache-threshold
	    --cache-max-bytes --cache-memory --cache-key-prefix
	    --cache-busy-timeout --compute-lease --compute-attempts
	    --compute-quarantine --compute-error-timeout --session-limit
	    --session-quota
	"
	local commands="
	    --socket -c --config --json --help status workers
	    listeners config cache signals sessions metrics last-crash
	    reload upgrade reopen-logs scale kill-worker log-level stop
	"

	if [[ ${COMP_WORDS[1]} == ctl && $COMP_CWORD -gt 1 ]]; then
		case $before in
		--socket | -c | --config)
			compopt -o filenames
			COMPREPLY=($(compgen -f -- "$word"))
			;;
		log-level)
			COMPREPLY=($(compgen -W \
			    "debug info warning error critical" -- "$word"))
			;;
		*)
			COMPREPLY=($(compgen -W "$commands" -- "$word"))
			;;
		esac
		return
	fi

	case $before in
	--print-options)
		COMPREPLY=($(compgen -W "conf md bash man8 man5 metrics" -- "$word"))
		return
		;;
	-c | --config | -p | --pid | --chdir | --error-logfile | --log-file | \
	    --log-syslog-prefix | --control-socket | --statsd-host | \
	    --statsd-prefix | --dogstatsd-tags | --access-logfile | \
	    --access-logformat | --tmp-upload-dir | --www-dir | --data-dir | \
	    --content-security-policy | --csp-extra | --frame-ancestors | \
	    --referrer-policy | --debug-notice | --assets-folder | \
	    --packages-folder | --certfile | --keyfile | --ca-certs | \
	    --url-base-pathname | --requests-pathname-prefix | \
	    --routes-pathname-prefix | --session-secret-file | --cache-dir)
		compopt -o filenames
		COMPREPLY=($(compgen -f -- "$word"))
		return
		;;
	--log-level)
		COMPREPLY=($(compgen -W \
		    "debug info warning error critical" -- "$word"))
		return
		;;
	-w | --workers)
		COMPREPLY=($(compgen -W "auto" -- "$word"))
		return
		;;
	esac

	if [[ $word == -* ]]; then
		COMPREPLY=($(compgen -W "$flags" -- "$word"))
	else
		compopt -o filenames
		COMPREPLY=($(compgen -f -X '!*.so' -- "$word")
		    $(compgen -d -- "$word"))
		[[ $COMP_CWORD -eq 1 ]] &&
			COMPREPLY+=($(compgen -W ctl -- "$word"))
	fi
}

complete -F _pronghorn pronghorn
