# shellcheck shell=bash disable=SC2034 # lib.sh reads `logs`
# JSON web tokens and the REST API.

check_jwt() {
  need sinfo
  logs=slurmctld
  has_feature jwt
  local token
  token=$("$SMOKE_PREFIX/bin/scontrol" token username=tester lifespan=600)
  token=${token#SLURM_JWT=}
  echo "$token" >"$SMOKE_STATE/token"
  # The token itself must do, not munge.
  SLURM_JWT=$token "$SMOKE_PREFIX/bin/sinfo" --noheader --format %t
}

# get PATH: the answer's status and type on stdout, its text in rest.json. Without a token it must be refused.
get() {
  curl --silent --show-error --max-time "$(limit 30)" --output "$SMOKE_STATE/rest.json" --write-out '%{http_code} %{content_type}' \
    --header "X-SLURM-USER-NAME: tester" --header "X-SLURM-USER-TOKEN: $(cat "$SMOKE_STATE/token")" \
    "http://127.0.0.1:6820$1"
}

# expect_json PATH FILTER: 200, JSON without errors, for which jq's filter is true.
expect_json() {
  local answer
  answer=$(get "$1")
  [ "$answer" = '200 application/json' ] || fail "$1 answers $answer: $(head -c 2000 "$SMOKE_STATE/rest.json")"
  jq --exit-status "((.errors // []) == []) and ($2)" "$SMOKE_STATE/rest.json" >/dev/null ||
    fail "$1 answers $(jq -c '{errors, warnings}' "$SMOKE_STATE/rest.json")"
}

# newest COMPONENT: newest version of the API's paths below /COMPONENT.
newest() {
  jq -r '.paths | keys[]' "$SMOKE_STATE/openapi.json" | grep -o "^/$1/v[0-9.]*/" | sort -uV | tail -n 1
}

check_rest() {
  need sinfo
  logs='slurmrestd slurmctld'
  local newest parser answer only=()
  add_user rest
  # Without accounting slurmrestd would end over its API.
  grep -qw accounting "$SMOKE_STATE/features" || only=(-s openapi/slurmctld)
  # It would put its namespaces apart, which a container does not let it.
  start_daemon slurmrestd env SLURM_JWT=daemon SLURMRESTD_SECURITY=disable_unshare_sysv,disable_unshare_files \
    setpriv --reuid=rest --regid=rest --clear-groups "$SMOKE_PREFIX/sbin/slurmrestd" \
    -a rest_auth/jwt "${only[@]}" 127.0.0.1:6820
  wait_daemon slurmrestd 20 curl --silent --output /dev/null http://127.0.0.1:6820/
  [ -s "$SMOKE_STATE/token" ] || fail 'the REST token is missing'
  expect_json /openapi/v3 true
  cp "$SMOKE_STATE/rest.json" "$SMOKE_STATE/openapi.json"
  newest=$(newest slurm)
  # data_parser_v0_0_42.so is what serves /slurm/v0.0.42/.
  parser=$(find "$SMOKE_PREFIX/lib/slurm" -name 'data_parser_v*.so' | sed 's/.*data_parser_//; s/\.so$//; s/_/./g' | sort -V | tail -n 1)
  [ -z "$parser" ] || [ "$newest" = "/slurm/$parser/" ] || fail "the API has $newest, the newest data parser is $parser"
  expect_json "${newest}nodes/" '.nodes[0].name == "'"$(hostname -s)"'"'
  answer=$(curl --silent --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:6820${newest}nodes/")
  [ "$answer" = 401 ] || fail "a request without a token got $answer"
  echo "${newest}nodes/ answers, 401 without a token"
}

check_rest_accounting() {
  need slurmdbd sacct
  logs='slurmrestd slurmdbd'
  [ -s "$SMOKE_STATE/openapi.json" ] || fail 'slurmrestd does not answer'
  local newest job
  newest=$(newest slurmdb)
  job=$(cat "$SMOKE_STATE/finished-job")
  expect_json "${newest}job/$job" ".jobs[0].job_id == $job"
  echo "${newest}job/$job answers"
}
