# Clients are told of the versions that opgate and the Engine both serve, so the oldest may be another.
export BLUR='s/(minimum version |"MinAPIVersion": ?")1\.[0-9]+/\1OLDEST/g'
see docker version
see docker version --format '{{json .Server}}'
# Runtimes come in any order here, and in theirs in JSON.
BLUR='s/Runtimes:.*/Runtimes/' see docker info
BLUR='s/"(NFd|NGoroutines|NEventsListener)":[0-9]+/"\1":0/g' see docker info --format '{{json .}}'
see env DOCKER_API_VERSION=1.41 docker version --format '{{.Client.APIVersion}} {{.Server.APIVersion}}'
exits 1 env DOCKER_API_VERSION=1.99 docker ps
