"""A receiver of OTLP over HTTP on loopback, in this process: what any collector would get."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from agentmem.closing import Closing
from agentmem.integrations.otel import Telemetry


class OtlpReceiver(Closing):
    """Takes spans and metrics at ``url`` until it is closed. ``ends`` are to be called before."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.metrics: list[Any] = []
        self.ends: list[Callable[[], None]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["content-length"]))
                receiver.take(self.path, data)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, path: str, data: bytes) -> None:
        """One export."""
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(data).resource_spans:
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        elif path == "/v1/metrics":
            for resource in ExportMetricsServiceRequest.FromString(data).resource_metrics:
                self.metrics += [metric for scope in resource.scope_metrics for metric in scope.metrics]

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Exported:
    """A telemetry that exports to a receiver, and what came out at its other end."""

    def __init__(self, receiver: OtlpReceiver, **settings: Any) -> None:
        self._receiver, self._tracers = receiver, TracerProvider()
        self._tracers.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{receiver.url}/v1/traces")))
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{receiver.url}/v1/metrics"), 3_600_000)
        self._meters = MeterProvider([reader])
        self._ended = False
        receiver.ends.append(self.end)
        self.telemetry = Telemetry(tracer_provider=self._tracers, meter_provider=self._meters, **settings)

    def end(self) -> None:
        """Export what is left, once."""
        if not self._ended:
            self._ended = True
            self._tracers.shutdown()
            self._meters.shutdown()

    def spans(self) -> dict[str, list[dict[str, Any]]]:
        """The spans by name: their attributes, and the name of the span that each is part of."""
        self.end()
        names = {span.span_id: span.name for span in self._receiver.spans}
        found: dict[str, list[dict[str, Any]]] = {}
        for span in self._receiver.spans:
            values = {one.key: value_of(one.value) for one in span.attributes}
            about = {"part of": names.get(span.parent_span_id), "failed": span.status.code == 2}
            found.setdefault(span.name, []).append({**values, **about})
        return found


def value_of(value: Any) -> Any:
    """An attribute's value."""
    return getattr(value, value.WhichOneof("value"))
