"""The "new build" of MLflow: Python imports this at its start; a stage is called something else in every answer."""

try:
    from mlflow.utils import proto_json_utils
except ImportError:
    # A Python without MLflow, such as one that MLflow asks about itself.
    pass
else:
    _original = proto_json_utils.message_to_json

    def message_to_json(message):
        return _original(message).replace('"lifecycle_stage": "active"', '"lifecycle_stage": "live"')

    proto_json_utils.message_to_json = message_to_json
