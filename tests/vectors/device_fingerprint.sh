#!/bin/sh
# Computes cognito_device_fingerprint.json anew, with OpenSSL and jq and nothing of authflow:
#   sh tests/vectors/device_fingerprint.sh tests/vectors/cognito_device_fingerprint.json
# prints the same file: the inputs of each vector are read, its payload, signature and encoded form
# are computed.
set -eu
payload='({contextData: .characteristics, username, userPoolId: .user_pool_id,
  timestamp: (.unix_milliseconds | tostring)} | tojson)'
jq -r ".vectors[] | .client_id + \" \" + (.version + $payload | @base64)" "$1" |
  while read -r client_id message; do
    printf '%s' "$message" | openssl base64 -d -A |
      openssl dgst -sha256 -hmac "$client_id" -binary | openssl base64 -A
    echo
  done |
  jq -n --rawfile signatures /dev/stdin --slurpfile file "$1" "
    (\$signatures | split(\"\n\")) as \$signature | \$file[0]
    | .vectors |= (to_entries | map(\$signature[.key] as \$s | .value
      | $payload as \$p | . + {payload: \$p, signature_base64: \$s,
        encoded: ({payload: \$p, signature: \$s, version} | tojson | @base64)}))"
