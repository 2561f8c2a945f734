#!/bin/sh
# The page of gantry/sample. Everything that is not ours is escaped.
esc() { sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' -e 's/"/\&quot;/g' -e "s/'/\&#39;/g"; }

# IPv4 comes as [::ffff:1.2.3.4].
caller=$(printf '%s' "$REMOTE_ADDR" | sed -e 's/^\[*\(::ffff:\)*//' -e 's/\]$//')
echo "$(date +%T) GET /${QUERY_STRING:+?$QUERY_STRING} from $caller" | tr -cd ' -~\n' >&2

name=$(hostname | esc)
addresses=$(ip -o addr show 2>/dev/null | awk '$2 != "lo" && $3 ~ /^inet/ { sub(/\/.*/, "", $4); if ($4 !~ /^fe80/) print $4 " on " $2 }' | esc)
greeting=$(tr '\0' '\n' </proc/1/environ | sed -n 's/^GREETING=//p' | head -n 1 | esc)
system=$(uname -srm | esc)
# Field 22 of /proc/1/stat: when it began, in hundredths of a second since boot (proc(5)).
since=$(awk 'NR == FNR { up = $1; next } { s = int(up - $22 / 100); printf "%d h %d min %d s", s / 3600, s % 3600 / 60, s % 60 }' /proc/uptime /proc/1/stat)

printf 'Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n\r\n'
cat <<PAGE
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>$name</title>
<link rel="stylesheet" href="/style.css">
<main>
<p class="mark"><svg viewBox="0 0 24 24" width="28" height="28" aria-hidden="true"><path d="M3 4h18M6 4v16M18 4v16M3 20h6M15 20h6M12 4v5" fill="none" stroke="currentColor" stroke-width="2"/><rect x="9" y="9" width="6" height="5" rx="1" fill="currentColor"/></svg> a container run by Gantry</p>
<h1>${greeting:-Hello}</h1>
<p class="lead">This page is served by the container <strong>$name</strong>.</p>
<dl>
<dt>Name</dt><dd>$name</dd>
<dt>Address</dt><dd>$(printf '%s\n' "${addresses:-none}" | sed 's/$/<br>/')</dd>
<dt>You</dt><dd>$(printf '%s' "$caller" | esc)</dd>
<dt>Kernel</dt><dd>$system</dd>
<dt>Runs for</dt><dd>$since</dd>
</dl>
<h2>Environment</h2>
<table>
$(tr '\0' '\n' </proc/1/environ | grep '=' | sort | esc | sed 's|^\([^=]*\)=\(.*\)$|<tr><th>\1</th><td>\2</td></tr>|')
</table>
</main>
</html>
PAGE
