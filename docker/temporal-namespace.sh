#!/bin/sh
# Makes the namespace `default` if it is not there. Server: TEMPORAL_ADDRESS.
set -eu

temporal operator namespace describe --namespace default >/dev/null 2>&1 ||
  temporal operator namespace create --namespace default --retention 30d
