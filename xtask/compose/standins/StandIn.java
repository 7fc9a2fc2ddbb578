import org.codelibs.opensearch.runner.OpenSearchRunner;

/** One OpenSearch node that every host reaches: {@code StandIn FOLDER NAME=VALUE…}. */
public class StandIn {
    public static void main(String[] arguments) throws Exception {
        var runner = new OpenSearchRunner();
        runner.setMaxHttpPort(-1);
        runner.onBuild((number, settings) -> {
            settings.put("network.host", "0.0.0.0");
            settings.put("http.port", "9200");
            settings.put("transport.port", "9300");
            for (int at = 1; at < arguments.length; at++) {
                String[] setting = arguments[at].split("=", 2);
                settings.put(setting[0], setting[1]);
            }
        });
        runner.build(OpenSearchRunner.newConfigs().basePath(arguments[0]).numOfNode(1).clusterName("docker-cluster"));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                runner.close();
            } catch (Exception error) {
                error.printStackTrace();
            }
        }));
        Thread.currentThread().join();
    }
}
