#!/bin/sh
# First process of gantry/sample: serves the page, prints a line now and then so that the log moves.
trap 'echo "$(date +%T) asked to stop, good bye"; exit 0' TERM INT

echo "$(date +%T) $(hostname) serves on port 8080"
# What pages write to their standard error comes out in the container's log.
httpd -f -p 8080 -h /www 2>&1 &

beat=0
while :; do
	beat=$((beat + 1))
	echo "$(date +%T) heartbeat $beat, load $(cut -d ' ' -f 1 /proc/loadavg)"
	sleep 2 &
	wait $!
done
