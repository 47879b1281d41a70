see "$SCRIPTS/docker_py.sh" "$n"
