#!/bin/sh
# Computes cognito_device_fingerprint.json anew, with OpenSSL, jq and base64 and nothing of authflow:
#   sh tests/vectors/device_fingerprint.sh < tests/vectors/cognito_device_fingerprint.json
# prints the same file; the inputs of each vector are read, its payload, signature and encoded form
# are computed.
set -eu
input=$(cat)
count=$(printf '%s' "$input" | jq '.vectors | length')
number=0
while [ "$number" -lt "$count" ]; do
  one=$(printf '%s' "$input" | jq -c ".vectors[$number]")
  get() { printf '%s' "$one" | jq -j "$1"; }
  payload=$(get '{contextData: .characteristics, username, userPoolId: .user_pool_id,
    timestamp: (.unix_milliseconds | tostring)} | tojson')
  key=$(get .client_id | od -An -v -tx1 | tr -d ' \n')
  signature=$(printf '%s%s' "$(get .version)" "$payload" |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)
  encoded=$(jq -cnj --arg p "$payload" --arg s "$signature" --arg v "$(get .version)" \
    '{payload: $p, signature: $s, version: $v}' | openssl base64 -A)
  input=$(printf '%s' "$input" | jq --argjson n "$number" --arg p "$payload" --arg s "$signature" \
    --arg e "$encoded" '.vectors[$n] += {payload: $p, signature_base64: $s, encoded: $e}')
  number=$((number + 1))
done
printf '%s\n' "$input"
