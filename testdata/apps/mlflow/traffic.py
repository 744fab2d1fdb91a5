"""`traffic.py BASE`: some 50 requests to MLflow's REST API: experiments, runs, metrics, searches, errors,
and the model registry."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from traffic import Sender  # noqa: E402

API = "/api/2.0/mlflow/"
T0 = 1767225600000


def main(base):
    sender = Sender(base)

    def post(path, **body):
        return sender.send("POST", API + path, body)[1]

    def get(path):
        return sender.send("GET", API + path)[1]

    sender.send("GET", "/health")
    sender.send("GET", "/version")
    experiments = [post("experiments/create", name=name, tags=[{"key": "team", "value": "ř"}])["experiment_id"]
                   for name in ("first", "second experiment", "tří'tí")]
    for id in experiments:
        get(f"experiments/get?experiment_id={id}")
    get("experiments/get-by-name?experiment_name=second%20experiment")
    post("experiments/update", experiment_id=experiments[1], new_name="renamed")
    post("experiments/set-experiment-tag", experiment_id=experiments[1], key="stage", value="one")
    post("experiments/search", max_results=2, order_by=["name ASC"])
    post("experiments/create", name="first")
    get("experiments/get?experiment_id=999999")

    runs = []
    for n in range(4):
        run = post("runs/create", experiment_id=experiments[n % 2], run_name=f"run-{n}", start_time=T0 + n,
                   tags=[{"key": "mlflow.user", "value": "tester"}])
        runs.append(run["run"]["info"]["run_id"])
    for n, id in enumerate(runs):
        post("runs/log-metric", run_id=id, key="loss", value=1.5 / (n + 1), timestamp=T0 + n, step=0)
        post("runs/log-metric", run_id=id, key="loss", value=0.1 + n, timestamp=T0 + 10 + n, step=1)
        post("runs/log-parameter", run_id=id, key="rate", value=f"0.{n}")
        get(f"runs/get?run_id={id}")
    post("runs/log-batch", run_id=runs[0],
         metrics=[{"key": f"m{k}", "value": k / 3, "timestamp": T0 + k, "step": k} for k in range(5)],
         params=[{"key": "depth", "value": "7"}], tags=[{"key": "note", "value": 'quote " and \' and \\'}])
    get(f"metrics/get-history?run_id={runs[0]}&metric_key=loss")
    get(f"metrics/get-history?run_id={runs[0]}&metric_key=none")
    post("runs/log-parameter", run_id=runs[0], key="rate", value="changed")
    post("runs/set-tag", run_id=runs[1], key="colour", value="blue")
    post("runs/delete-tag", run_id=runs[1], key="colour")
    post("runs/delete-tag", run_id=runs[1], key="colour")
    post("runs/update", run_id=runs[0], status="FINISHED", end_time=T0 + 100)
    post("runs/search", experiment_ids=experiments[:2], filter="metrics.loss > 1", order_by=["metrics.loss DESC"])
    post("runs/search", experiment_ids=experiments[:2], filter="params.rate = '0.2'", max_results=1)
    post("runs/search", experiment_ids=experiments[:2], filter="nonsense ! filter")
    post("runs/delete", run_id=runs[3])
    get(f"runs/get?run_id={runs[3]}")
    post("runs/restore", run_id=runs[3])
    get("runs/get?run_id=00000000000000000000000000000000")

    registry(sender, post, get, runs[0])

    post("experiments/delete", experiment_id=experiments[2])
    post("experiments/search", max_results=10, view_type="DELETED_ONLY")
    sender.send("GET", "/api/2.0/nowhere")
    sender.send("POST", API + "runs/log-metric", "{ not json", {"content-type": "application/json"})
    post("runs/log-metric", run_id=runs[0], key="loss", value="not a number", timestamp=T0)
    print(sender.count, "requests")


def registry(sender, post, get, run):
    """For its tables, which have keys of two columns, SQLAlchemy writes the columns of a subquery in the order of
    a set of objects: another one in each process."""
    for name in ("alpha", "beta"):
        post("registered-models/create", name=name, tags=[{"key": "team", "value": name}], description="a model")
    get("registered-models/get?name=alpha")
    get("registered-models/get?name=none")
    for n in range(2):
        post("model-versions/create", name="alpha", source=f"s3://models/alpha/{n}", run_id=run,
             tags=[{"key": "n", "value": str(n)}])
    post("registered-models/alias", name="alpha", alias="champion", version="1")
    get("registered-models/alias?name=alpha&alias=champion")
    get("model-versions/get?name=alpha&version=1")
    get("model-versions/search?filter=name%3D%27alpha%27")
    get("registered-models/search?max_results=10")
    get("registered-models/search?filter=tags.team%3D%27beta%27")
    post("registered-models/get-latest-versions", name="alpha")
    post("model-versions/set-tag", name="alpha", version="2", key="checked", value="yes")
    sender.send("PATCH", API + "registered-models/update", {"name": "alpha", "description": "another"})
    post("registered-models/rename", name="beta", new_name="gamma")
    get("registered-models/search?order_by=name%20DESC")
    sender.send("DELETE", API + "model-versions/delete", {"name": "alpha", "version": "2"})
    sender.send("DELETE", API + "registered-models/delete", {"name": "gamma"})


main(sys.argv[1])
