"""What Docker's SDK for Python does against the engine that DOCKER_HOST names. Run by docker-py.root.test.ts."""

import io
import tarfile
import time
import unittest

import docker

client = docker.from_env()
IMAGE = "busybox"


def tar_of(name, content):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def remove(box):
    try:
        box.remove(force=True, v=True)
    except docker.errors.NotFound:
        pass  # the test has done so


class Sdk(unittest.TestCase):
    def box(self, command="sleep 1000", **options):
        box = client.containers.run(IMAGE, command, detach=True, **options)
        self.addCleanup(remove, box)
        return box

    def test_run_gives_output_or_raises_the_exit_code(self):
        self.assertEqual(client.containers.run(IMAGE, "echo hi", remove=True), b"hi\n")
        with self.assertRaises(docker.errors.ContainerError) as raised:
            client.containers.run(IMAGE, 'sh -c "echo no >&2; exit 3"', remove=True)
        self.assertEqual((raised.exception.exit_status, raised.exception.stderr), (3, b"no\n"))

    def test_an_exec_loses_no_output_however_soon_it_comes(self):
        # it reads the head of the answer with whatever has come behind it, and forgets that
        box = self.box()
        for _ in range(40):
            self.assertEqual(box.exec_run("echo out").output, b"out\n")
            self.assertEqual(box.exec_run("echo out", tty=True).output, b"out\r\n")
            both = box.exec_run('sh -c "echo out; echo err >&2"', demux=True)
            self.assertEqual(both.output, (b"out\n", b"err\n"))
        ended = box.exec_run('sh -c "exit 4"')
        self.assertEqual((ended.exit_code, ended.output), (4, b""))
        missing = box.exec_run("nosuch")
        self.assertEqual(missing.exit_code, 127)
        self.assertIn(b"not found", missing.output)

    def test_an_exec_takes_input_by_its_socket(self):
        box = self.box()
        started = client.api.exec_create(box.id, ["cat"], stdin=True)
        stream = client.api.exec_start(started["Id"], socket=True)
        stream._sock.sendall(b"hello\n")
        got = b""
        while len(got) < 14:
            got += stream._sock.recv(100)
        self.assertEqual(got, b"\x01\0\0\0\0\0\0\x06hello\n")
        stream._sock.close()

    def test_logs_and_attach_begin_with_the_first_line(self):
        box = self.box('sh -c "for i in 1 2 3; do echo $i; done; sleep 1000"')
        while box.logs() != b"1\n2\n3\n":
            time.sleep(0.02)
        for _ in range(20):
            self.assertEqual(next(box.attach(stream=True, logs=True)), b"1\n")
            self.assertEqual(next(box.logs(stream=True, follow=True, tail=1)), b"3\n")

    def test_stats_and_top_tell_of_the_processes(self):
        box = self.box(mem_limit="64m")
        stats = box.stats(stream=False)
        self.assertEqual(stats["memory_stats"]["limit"], 64 << 20)
        two = box.stats(decode=True)
        self.assertLess(next(two)["read"], next(two)["read"])
        self.assertIn("sleep 1000", [row[-1] for row in box.top()["Processes"]])

    def test_files_go_in_and_come_out(self):
        box = self.box()
        self.assertTrue(box.put_archive("/tmp", tar_of("file", b"abc")))
        chunks, told = box.get_archive("/tmp/file")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            self.assertEqual(tar.extractfile("file").read(), b"abc")
        self.assertEqual(told["size"], 3)
        self.assertIn({"Path": "/tmp/file", "Kind": 1}, box.diff())

    def test_states_are_as_the_sdk_names_them(self):
        box = self.box('sh -c "trap \'exit 5\' TERM; echo ready; while :; do sleep 0.05; done"')
        while box.logs() != b"ready\n":
            time.sleep(0.02)
        box.pause()
        box.reload()
        self.assertEqual(box.status, "paused")
        box.unpause()
        box.stop(timeout=10)
        self.assertEqual(box.wait()["StatusCode"], 5)
        box.reload()
        self.assertEqual(box.status, "exited")
        actions = [
            event["Action"]
            for event in client.events(
                since=0, until=time.time() + 1, decode=True, filters={"container": box.id}
            )
        ]
        self.assertEqual(
            [one for one in actions if one in ("create", "start", "pause", "unpause", "stop")],
            ["create", "start", "pause", "unpause", "stop"],
        )

    def test_neighbours_are_found_by_alias_on_a_network_of_their_own(self):
        pool = docker.types.IPAMPool(subnet="10.77.0.0/24", gateway="10.77.0.1")
        network = client.networks.create(
            "docker-py", ipam=docker.types.IPAMConfig(pool_configs=[pool])
        )
        self.addCleanup(network.remove)
        one, other = self.box(network="docker-py"), self.box()
        network.connect(other, aliases=["bee"], ipv4_address="10.77.0.50")
        answer = one.exec_run("ping -c1 bee")
        self.assertEqual(answer.exit_code, 0, answer.output)
        self.assertIn(b"10.77.0.50", answer.output)
        network.disconnect(other)
        network.reload()
        self.assertEqual([box.id for box in network.containers], [one.id])
        one.remove(force=True)
        other.remove(force=True)

    def test_a_volume_keeps_what_was_written(self):
        volume = client.volumes.create("docker-py", labels={"of": "docker-py"})
        self.addCleanup(volume.remove)
        mounts = {"docker-py": {"bind": "/data", "mode": "rw"}}
        client.containers.run(IMAGE, 'sh -c "echo kept > /data/file"', volumes=mounts, remove=True)
        read = client.containers.run(IMAGE, "cat /data/file", volumes=mounts, remove=True)
        self.assertEqual(read, b"kept\n")
        found = client.volumes.list(filters={"label": "of=docker-py"})
        self.assertEqual([one.name for one in found], ["docker-py"])

    def test_an_image_is_built_saved_loaded_and_committed(self):
        dockerfile = io.BytesIO(b"FROM busybox\nARG WHO\nRUN echo $WHO > /who\nLABEL who=$WHO\n")
        image, _ = client.images.build(
            fileobj=dockerfile, tag="docker-py:1", buildargs={"WHO": "me"}, rm=True
        )
        self.assertEqual(image.labels, {"who": "me"})
        saved = b"".join(image.save(named=True))
        client.images.remove("docker-py:1", force=True)
        self.assertEqual(client.images.load(saved)[0].tags, ["docker-py:1"])
        self.assertEqual(
            client.containers.run("docker-py:1", "cat /who", remove=True), b"me\n"
        )
        committed = self.box().commit("docker-py", "2", changes="ENV ADDED=1")
        self.assertIn("ADDED=1", committed.attrs["Config"]["Env"])
        client.images.remove("docker-py:1", force=True)
        client.images.remove("docker-py:2", force=True)
        with self.assertRaises(docker.errors.BuildError) as raised:
            client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUN exit 9\n"), rm=True)
        self.assertIn("returned a non-zero code: 9", raised.exception.msg)

    def test_what_is_not_there_is_told_by_its_kind(self):
        for there in (client.containers, client.networks, client.volumes):
            with self.assertRaises(docker.errors.NotFound):
                there.get("nosuch")
        with self.assertRaises(docker.errors.ImageNotFound):
            client.images.get("nosuch")


if __name__ == "__main__":
    unittest.main()
